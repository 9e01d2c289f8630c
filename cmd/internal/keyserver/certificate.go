package keyserver

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
)

// certificateCheck is the shortest time between two looks at the files of the certificate.
const certificateCheck = time.Minute

// Certificate is the certificate of a server. It is read again when its files change, so that the
// server needs no restart for a renewed certificate.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex // never held while a file is read
	current *tls.Certificate
	times   [2]time.Time // the modification times of the files
	checked time.Time
	reading bool // a handshake is reading the files
}

// ReadCertificate reads the files of a certificate and its key, both PEM.
func ReadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, checked: time.Now()}
	var err error
	c.times, _ = c.changed() // load returns the error of a file that is missing
	c.current, err = c.load()
	return c, err
}

// load reads the files. Neither may be a pipe: a pipe can be read once, and may hang.
func (c *Certificate) load() (*tls.Certificate, error) {
	var texts [2][]byte
	for i, path := range []string{c.certFile, c.keyFile} {
		in, err := console.ReadRegular(path, console.MaxKeyFile)
		if err != nil {
			return nil, err
		}
		texts[i] = in.Data
	}
	defer clear(texts[1])
	pair, err := tls.X509KeyPair(texts[0], texts[1])
	if err != nil {
		return nil, &console.Failure{
			Err: fmt.Errorf("the certificate %s cannot be used: %w", c.certFile, err), Code: console.ExitUsage,
			Advice: "give PEM files of one certificate and its key with --tls-cert and --tls-key",
		}
	}
	return &pair, nil
}

// KeyIsOpen returns a warning if other users can read or change the private key. This is not a
// refusal: the program that renews certificates may set its own modes. A group may read the key,
// and the modes of mounted secrets pass as they do for a key file.
func (c *Certificate) KeyIsOpen() (warning string, open bool) {
	f, err := console.OpenNamed(c.keyFile)
	if err != nil {
		return "", false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o026 == 0 {
		return "", false
	}
	if err := filestore.CheckSecret(c.keyFile, f, info); err != nil {
		return "the private key " + err.Error(), true
	}
	return "", false
}

func (c *Certificate) changed() (times [2]time.Time, err error) {
	for i, path := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return times, err
		}
		times[i] = info.ModTime()
	}
	return times, nil
}

// get returns the certificate for a handshake. At most one handshake a minute looks at the files, and
// the others do not wait for it. If the files cannot be read, the certificate stays as it was.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.look(false), nil }

// Reload makes the server look at the files now. The log tells the result, also that nothing
// has changed.
func (c *Certificate) Reload() { c.look(true) }

// look looks at the files when that is due, or asked for, and returns the certificate.
func (c *Certificate) look(asked bool) *tls.Certificate {
	c.mu.Lock()
	current, times := c.current, c.times
	due := asked || !c.reading && time.Since(c.checked) >= certificateCheck
	if due {
		c.reading, c.checked = true, time.Now()
	}
	c.mu.Unlock()
	if !due {
		return current
	}
	next, changed, err := c.reload(times)
	c.mu.Lock()
	c.reading = false
	if next != nil {
		c.current, c.times = next, changed
	}
	current = c.current
	c.mu.Unlock()
	switch {
	case err != nil:
		c.log.Warn("the certificate could not be read again", "error", console.Plain(err))
	case next != nil:
		c.log.Info("the certificate was read again")
		if warning, open := c.KeyIsOpen(); open {
			c.log.Warn(warning)
		}
	case asked:
		c.log.Info("the certificate has not changed")
	}
	return current
}

// reload returns the certificate if its files have changed since times, and nil if not.
func (c *Certificate) reload(times [2]time.Time) (next *tls.Certificate, changed [2]time.Time, err error) {
	if changed, err = c.changed(); err != nil || changed == times {
		return nil, changed, err
	}
	next, err = c.load()
	return next, changed, err
}
