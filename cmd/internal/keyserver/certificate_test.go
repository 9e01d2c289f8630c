package keyserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/consoletest"
)

// certFiles holds the files of a certificate and its key. Each change gets a later time, however
// fast the changes follow.
type certFiles struct {
	cert, key string
	changed   time.Time
}

func newCertFiles(t *testing.T) *certFiles {
	t.Helper()
	dir := t.TempDir()
	f := &certFiles{cert: filepath.Join(dir, "cert"), key: filepath.Join(dir, "key"), changed: time.Now()}
	f.renew(t)
	return f
}

func (f *certFiles) renew(t *testing.T) {
	t.Helper()
	cert, key, err := consoletest.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, cert, key)
}

func (f *certFiles) write(t *testing.T, cert, key []byte) {
	t.Helper()
	f.changed = f.changed.Add(time.Hour)
	if err := errors.Join(os.WriteFile(f.cert, cert, 0o600), os.WriteFile(f.key, key, 0o600),
		os.Chtimes(f.cert, f.changed, f.changed), os.Chtimes(f.key, f.changed, f.changed)); err != nil {
		t.Fatal(err)
	}
}

// The files may have a byte order mark and CRLF, as editors on Windows write them.
func TestServeCertificateOfWindows(t *testing.T) {
	f := newCertFiles(t)
	cert, key, err := consoletest.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	windows := func(text []byte) []byte {
		return append([]byte("\xEF\xBB\xBF"), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))...)
	}
	f.write(t, windows(cert), windows(key))
	if _, err := ReadCertificate(f.cert, f.key); err != nil {
		t.Error(err)
	}
	f.write(t, append([]byte("\xFF\xFE"), cert...), key)
	if _, err := ReadCertificate(f.cert, f.key); !errors.Is(err, console.ErrUTF16) {
		t.Errorf("UTF-16: %v", err)
	}
}

// TLS 1.1 is refused, even if Go was told to accept it.
func TestServeTLSVersion(t *testing.T) {
	t.Setenv("GODEBUG", "tls10server=1")
	f := newCertFiles(t)
	cert, err := ReadCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	listener := listen(t)
	addr := listener.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	s := New(slog.New(slog.DiscardHandler), cert, "/jwks", http.NotFoundHandler())
	go func() { ended <- s.Run(ctx, console.New("sealjwt", nil, nil, io.Discard), listener) }()
	defer func() { stop(); <-ended }()
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version})
		if err == nil {
			c.Close()
		}
		if (err == nil) != ok {
			t.Errorf("TLS %x: %v", version, err)
		}
	}
}

// A client that connects and closes the connection before the handshake causes no warning: a probe
// does so every few seconds. Any other failure of a handshake is a warning.
func TestServeBrokenHandshake(t *testing.T) {
	f := newCertFiles(t)
	cert, err := ReadCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	log := new(consoletest.Lines)
	s := New(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), cert, "/jwks", http.NotFoundHandler())
	listener := listen(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, console.New("sealjwt", nil, nil, io.Discard), listener) }()
	logged := func(send string, reset bool) string {
		t.Helper()
		before := log.String()
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, send); err != nil {
			t.Fatal(err)
		}
		if reset {
			err = c.(*net.TCPConn).SetLinger(0)
		} else {
			err = c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
		}
		if err := errors.Join(err, c.Close()); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); time.Now().Before(end); runtime.Gosched() {
			if line := strings.TrimPrefix(log.String(), before); strings.HasSuffix(line, "\n") {
				return line
			}
		}
		t.Fatal("nothing was logged")
		return ""
	}
	for _, c := range []struct {
		send  string
		reset bool
		level string
	}{
		{"", false, "DEBUG"}, {"", true, "DEBUG"},
		{"GET / HTTP/1.1\r\n\r\n", false, "WARN"}, {"\x16\x03\x01\x00\x05", false, "WARN"},
	} {
		if got := logged(c.send, c.reset); !strings.Contains(got, "level="+c.level) || !strings.Contains(got, "TLS handshake error from 127.0.0.1:") {
			t.Errorf("%q, reset %t: %s", c.send, c.reset, got)
		}
	}
	stop()
	<-ended
}

// A renewed certificate is used without a restart. An incomplete one is not used.
func TestServeRenewedCertificate(t *testing.T) {
	f := newCertFiles(t)
	cert, err := ReadCertificate(f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	errs := new(consoletest.Lines)
	s := New(slog.New(slog.NewJSONHandler(errs, nil)), cert, "/jwks", http.NotFoundHandler())
	shown := func() []byte {
		t.Helper()
		cert.checked = time.Now().Add(-2 * certificateCheck)
		return handshake(t, s.server.TLSConfig)
	}
	first := shown()
	f.write(t, []byte("half of it"), nil)
	if !bytes.Equal(shown(), first) || !strings.Contains(errs.String(), "could not be read again") {
		t.Errorf("half a certificate is used: %s", errs)
	}
	f.renew(t)
	if bytes.Equal(shown(), first) || !strings.Contains(errs.String(), "was read again") {
		t.Errorf("the certificate is not renewed: %s", errs)
	}
	const unchanged = "the certificate has not changed"
	if shown(); strings.Contains(errs.String(), unchanged) {
		t.Errorf("a handshake says so: %s", errs)
	}
	if cert.Reload(); !strings.Contains(errs.String(), `"level":"INFO","msg":"`+unchanged+`"`) {
		t.Errorf("Reload does not say so: %s", errs)
	}
}

// handshake returns the certificate of a server with that configuration.
func handshake(t *testing.T, config *tls.Config) []byte {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	go tls.Server(there, config).Handshake()
	c := tls.Client(here, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c.ConnectionState().PeerCertificates[0].Raw
}

// Another user who can read the private key can pose as the server. The server only warns, because
// the program that renews certificates may set the mode.
func TestServeOpenKey(t *testing.T) {
	f := newCertFiles(t)
	for mode, warned := range map[os.FileMode]bool{
		0o600: false, 0o640: false, 0o660: true, 0o644: true, 0o602: true, 0o666: true,
	} {
		if err := os.Chmod(f.key, mode); err != nil {
			t.Fatal(err)
		}
		cert, err := ReadCertificate(f.cert, f.key)
		if err != nil {
			t.Fatal(err)
		}
		warning, open := cert.KeyIsOpen()
		if open != warned || open != strings.HasPrefix(warning, "the private key "+f.key+" is open to others") {
			t.Errorf("mode %04o: %t, %s", mode, open, warning)
		}
		log := new(consoletest.Lines)
		New(slog.New(slog.NewJSONHandler(log, nil)), cert, "/jwks", http.NotFoundHandler())
		f.renew(t)
		cert.checked = time.Now().Add(-2 * certificateCheck)
		cert.get(nil)
		if got := strings.Contains(log.String(), "the private key "+f.key+" is open to others"); got != warned {
			t.Errorf("mode %04o after it was renewed: %s", mode, log)
		}
	}
}
