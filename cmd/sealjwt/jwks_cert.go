package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often the files of the certificate are looked at.
const certificateCheck = time.Minute

// certificate is that of a server, read again when its files change: those that renew
// themselves every few weeks do not restart it.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	times   [2]time.Time // when the files were changed
	checked time.Time
}

func readCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, checked: time.Now()}
	for _, path := range []string{certFile, keyFile} {
		if _, err := readFile(path, maxKeyFile); err != nil {
			return nil, err
		}
	}
	c.times, _ = c.changed() // if not now, then later
	return c, c.load()
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return &failure{
			err: fmt.Errorf("the certificate %s cannot be used: %w", c.certFile, err), code: exitUsage,
			advice: "give PEM files of one certificate and its key with --tls-cert and --tls-key",
		}
	}
	c.current = &pair
	return nil
}

// keyIsOpen says whether others have the private key, or choose it. That is a warning and
// no refusal: what renews certificates may have its own mind about modes. A group that
// reads it is meant to.
func (c *certificate) keyIsOpen() (warning string, open bool) {
	info, err := os.Stat(c.keyFile)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o026 == 0 {
		return "", false
	}
	return fmt.Sprintf("others can read or change the private key %s (mode %04o): chmod g-w,o-rw %[1]s", c.keyFile, info.Mode().Perm()), true
}

func (c *certificate) changed() (times [2]time.Time, err error) {
	for i, path := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return times, err
		}
		times[i] = info.ModTime()
	}
	return times, nil
}

// get is the tls.Config's. What cannot be read leaves the certificate as it was.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < certificateCheck {
		return c.current, nil
	}
	c.checked = time.Now()
	times, err := c.changed()
	if err == nil && times != c.times {
		if err = c.load(); err == nil {
			c.times = times
			c.log.Info("the certificate was read again")
			if warning, open := c.keyIsOpen(); open {
				c.log.Warn(warning)
			}
		}
	}
	if err != nil {
		c.log.Warn("the certificate could not be read again", "error", err.Error())
	}
	return c.current, nil
}
