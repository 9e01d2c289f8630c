package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/keyserver"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/jwks"
)

type serveFlags struct {
	addr, path      string
	tlsCert, tlsKey string
	insecureHTTP    bool
	rotate          bool
	use             *choice
}

func (a *App) jwksServeCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the public keys of the ring as a JWK Set over HTTP",
		Long: `Serves the public halves of the keys that others should know, as sealjwt keys export
prints them, and follows the ring as it rotates: within a second with --rotate, within
a minute without. Others may keep the answer for the max-age of the ring's policy.

` + keyserver.HealthPath + ` answers 200, and 503 when the ring could not be read for so long that its keys
must not be published. Each request is a line of JSON on stderr, without query and
headers. Ctrl-C or SIGTERM ends it after the requests at work.

Whoever changes the answer on its way chooses the keys, so without --tls-cert it serves
this machine only. Behind a proxy that speaks TLS on another, add --insecure-http. A
certificate that is renewed is read again within a minute.`,
		Example: `  sealjwt jwks serve --rotate
  sealjwt jwks serve --addr :8443 --tls-cert cert.pem --tls-key key.pem --use enc`,
		Args: noInput,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.addr, "addr", "127.0.0.1:8080", "`HOST:PORT` to listen at; port 0 is a free one")
	flags.StringVar(&f.path, "path", "/.well-known/jwks.json", "`PATH` of the JWK Set")
	f.use = addUse(cmd, "only keys for this use")
	flags.StringVar(&f.tlsCert, "tls-cert", "", "`FILE` with the certificates for TLS, PEM")
	flags.StringVar(&f.tlsKey, "tls-key", "", "`FILE` with the private key of the certificate, PEM")
	flags.BoolVar(&f.insecureHTTP, "insecure-http", false, "serve others without TLS: only behind a proxy that speaks it")
	flags.BoolVar(&f.rotate, "rotate", false, "rotate the ring too, when a step is due")
	withoutFiles(cmd, "addr", "path")
	return cmd
}

// plainPath matches a path that a mux does not take for a pattern, and that needs no escaping.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*|/\.[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

func (f serveFlags) hasTLS() bool { return f.tlsCert != "" }

// check returns the address to listen at.
func (f serveFlags) check() (*net.TCPAddr, error) {
	switch {
	case !plainPath.MatchString(f.path):
		return nil, console.Usagef("--path %s: it begins with a slash and does not end with one, of letters, digits and -._~, such as /.well-known/jwks.json", f.path)
	case f.path == keyserver.HealthPath:
		return nil, console.Usagef("--path %s is where others ask whether this is well: give another", keyserver.HealthPath)
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return nil, console.Usagef("--tls-cert and --tls-key go together: give both, or none")
	case f.hasTLS() && f.insecureHTTP:
		return nil, console.Usagef("--insecure-http is for serving without TLS: leave it out, or --tls-cert and --tls-key")
	}
	addr, err := net.ResolveTCPAddr("tcp", f.addr)
	if err != nil || !strings.Contains(f.addr, ":") {
		return nil, console.Usagef("--addr %s: not an address to listen at: give HOST:PORT, such as 127.0.0.1:8080 or :8443", f.addr)
	}
	if !f.hasTLS() && !f.insecureHTTP && !addr.IP.IsLoopback() {
		return nil, console.Usagef("--addr %s serves other machines, and whoever changes the answer on its way chooses the keys: "+
			"add --tls-cert and --tls-key, or --insecure-http behind a proxy that speaks TLS", f.addr)
	}
	return addr, nil
}

func (a *App) serve(ctx context.Context, f serveFlags) error {
	addr, err := f.check()
	if err != nil {
		return err
	}
	cert, err := a.certificate(f)
	if err != nil {
		return err
	}
	ring, err := a.openRing(ctx)
	if err != nil {
		return err
	}
	use := keys.Use(f.use.value)
	if _, err := published(ctx, ring, use); err != nil {
		return err
	}
	logger := keyserver.NewLog(a.Stderr)
	set, err := jwks.NewHandler(ring, jwks.HandlerConfig{Use: use, OnError: func(err error) {
		logger.Error("not served", "error", console.Plain(err.Error()))
	}})
	if err != nil {
		return err
	}
	listener, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return &console.Failure{Err: cannotListen(f.addr, err), Code: console.ExitIO, Advice: "is something else there? give another --addr, or end that"}
	}
	s := keyserver.New(logger, cert, f.path, set)
	ctx, restore := console.Stoppable(ctx)
	defer restore()
	if f.rotate {
		defer a.keepRotating(ctx, ring)()
	}
	scheme := "http"
	if f.hasTLS() {
		scheme = "https"
	}
	a.Say("serving %s://%s%s", scheme, listener.Addr(), f.path)
	return s.Run(ctx, a.Console, listener)
}

// certificate returns the certificate of the flags, nil without TLS.
func (a *App) certificate(f serveFlags) (*keyserver.Certificate, error) {
	if !f.hasTLS() {
		return nil, nil
	}
	cert, err := keyserver.ReadCertificate(f.tlsCert, f.tlsKey)
	if err != nil {
		return nil, err
	}
	if warning, open := cert.KeyIsOpen(); open {
		a.Say("warning: %s", warning)
	}
	return cert, nil
}

func cannotListen(addr string, err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return fmt.Errorf("cannot listen at %s: %w", addr, err)
}
