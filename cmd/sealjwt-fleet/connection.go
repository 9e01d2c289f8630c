package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// connection is the content of a store file: the address on the first line, and options below.
type connection struct {
	address string
	options map[string]string
}

// parseConnection reads a store file. Its errors quote only names of options, because a password
// may stand anywhere in the file.
func parseConnection(text string, options ...string) (c connection, err error) {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	if c.address = lines[0]; c.address == "" {
		return c, console.Usagef("the connection is missing: write it into a file of mode 0600, and name that with --store-file or SEALJWT_STORE_FILE")
	}
	c.options = make(map[string]string)
	for i, line := range lines[1:] {
		if len(options) == 0 {
			return c, console.Usagef("line %d of the store file is too much: this store has its whole connection on the first line", i+2)
		}
		name, value, found := strings.Cut(line, "=")
		switch {
		case !found || value == "" || !slices.Contains(options, name):
			return c, console.Usagef("line %d of the store file is none of %s=…: leave out blank lines and comments", i+2, strings.Join(options, "=…, "))
		case c.options[name] != "":
			return c, console.Usagef("line %d of the store file gives %s a second time", i+2, name)
		}
		c.options[name] = value
	}
	return c, nil
}

// tlsOptions are the options that tls reads: paths of PEM files.
var tlsOptions = []string{"ca", "cert", "key"}

// tls returns a configuration that verifies the server by the CA in the options, or by the roots of
// the system if there is none.
func (c connection) tls(server string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: server}
	if path := c.options["ca"]; path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, console.CannotRead(path, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, console.Usagef("%s, which is the ca of the store file, holds no certificate in PEM", path)
		}
	}
	cert, key := c.options["cert"], c.options["key"]
	if cert == "" && key == "" {
		return config, nil
	}
	if cert == "" || key == "" {
		return nil, console.Usagef("the store file names one of cert and key: give both")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, console.Usagef("the client certificate %s and its key %s cannot be used: %w", cert, key, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// isLocal reports whether an address stays on this machine.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// refuseOpen returns the error for a server on another machine whose TLS is not verified. how says
// what the user can change.
func refuseOpen(host, how string) error {
	return &console.Failure{
		Err:    fmt.Errorf("the store at %s is on another machine, and nothing proves that it is the right one", host),
		Code:   console.ExitPolicy,
		Advice: how + ", or give --insecure-store",
	}
}

// hidden is an error whose text shows no password.
type hidden struct {
	text string
	err  error
}

func (h *hidden) Error() string { return h.text }
func (h *hidden) Unwrap() error { return h.err }

// hide takes the passwords out of the text of an error.
func hide(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "[redacted]")
		}
	}
	if text == err.Error() {
		return err
	}
	return &hidden{text, err}
}
