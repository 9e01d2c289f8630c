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
	"github.com/sealjwt/sealjwt/keys/keyring"
)

type serveFlags struct {
	addr, path      string
	tlsCert, tlsKey string
	insecureHTTP    bool
	rotate          bool
	metricsAddr     string
	log             *choice
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
must not be published. ` + keyserver.MetricsPath + ` at --metrics-addr answers with metrics for Prometheus, in the
words of sealjwt keys check -o prometheus, and with the requests.

Each request, each step of the rotation, each warning and the error that ends it is a
line of the log on stderr; only a mistake in the flags is told as by other verbs.
No line has the query or the headers of a request. When nothing reads the log, lines are
dropped, and the log says how many. SIGHUP has the ring and the certificate read again.
Ctrl-C or SIGTERM ends it after the requests at work.

An attacker who changes the answer on its way chooses the keys, so without --tls-cert it
serves this machine only. Behind a proxy that speaks TLS on another, add --insecure-http. A
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
	flags.StringVar(&f.metricsAddr, "metrics-addr", "", "`HOST:PORT` to serve metrics at; without HOST for this machine only; none by default")
	f.log = addChoice(cmd, "log", "", keyserver.JSON, "how the log is written", keyserver.JSON, keyserver.Text)
	withoutFiles(cmd, "addr", "path", "metrics-addr")
	return cmd
}

// plainPath matches a path that a mux does not take for a pattern, and that needs no escaping.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*|/\.[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

func (f serveFlags) hasTLS() bool { return f.tlsCert != "" }

// check returns the address to listen at. It refuses flags that contradict each other, and an
// address that serves other machines without TLS, unless --insecure-http allows it.
func (f serveFlags) check() (*net.TCPAddr, error) {
	switch {
	case !plainPath.MatchString(f.path):
		return nil, console.Usagef("--path %s: it begins with a slash and does not end with one, of letters, digits and -._~, such as /.well-known/jwks.json", f.path)
	case f.path == keyserver.HealthPath:
		return nil, console.Usagef("--path %s is the path of the health check: give another", keyserver.HealthPath)
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
		return nil, console.Usagef("--addr %s serves other machines, and an attacker who changes the answer on its way chooses the keys: "+
			"add --tls-cert and --tls-key, or --insecure-http behind a proxy that speaks TLS", f.addr)
	}
	return addr, nil
}

func (a *App) serve(ctx context.Context, f serveFlags) error {
	addr, err := f.check()
	if err != nil {
		return err
	}
	metricsAddr, err := f.checkMetrics(addr)
	if err != nil {
		return err
	}
	log := keyserver.NewLog(a.Stderr, f.log.value)
	defer log.Close()
	defer a.Divert(log.Say)()
	if err := a.serveAt(ctx, f, log, addr, metricsAddr); err != nil {
		code, text := a.Describe(err)
		log.Error("ended", "error", text, "exit_code", code)
		return &console.Failure{Err: err, Code: code, Told: true}
	}
	return nil
}

// serveAt serves until ctx is done. All that it tells goes to the log.
func (a *App) serveAt(ctx context.Context, f serveFlags, log *keyserver.Log, addr, metricsAddr *net.TCPAddr) error {
	cert, err := a.certificate(f)
	if err != nil {
		return err
	}
	ring, reads, err := a.openRead(ctx)
	if err != nil {
		return err
	}
	policy, err := ring.Policy(ctx)
	if err != nil {
		return err
	}
	use := keys.Use(f.use.value)
	if _, err := published(ctx, ring, use); err != nil {
		return err
	}
	set, err := jwks.NewHandler(ring, jwks.HandlerConfig{Use: use, OnError: func(err error) {
		log.Error("not served", "error", console.Plain(err))
	}})
	if err != nil {
		return err
	}
	listener, err := listen("--addr", f.addr, addr)
	if err != nil {
		return err
	}
	s := keyserver.New(log.Logger, cert, f.path, set)
	if metricsAddr != nil {
		at, err := listen("--metrics-addr", f.metricsAddr, metricsAddr)
		if err != nil {
			listener.Close()
			return err
		}
		c := &collector{app: a, ring: ring, reads: reads, maxAge: policy.SnapshotAge}
		defer c.serve(at, s, log)()
	}
	ctx, restore := console.Stoppable(ctx)
	defer restore()
	defer console.OnHangup(func() { a.readAgain(ctx, ring, cert, log) })()
	if f.rotate {
		defer a.keepRotating(ctx, ring)()
	}
	scheme := "http"
	if f.hasTLS() {
		scheme = "https"
	}
	log.Info("serving", "url", fmt.Sprintf("%s://%s%s", scheme, listener.Addr(), f.path))
	return s.Run(ctx, a.Console, listener)
}

// certificate returns the certificate of the flags, nil without TLS. It warns of a private key that
// other users can read.
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

// readAgain reads the ring and the certificate again. What cannot be read stays as it was.
func (a *App) readAgain(ctx context.Context, ring *keyring.Ring, cert *keyserver.Certificate, log *keyserver.Log) {
	if _, err := ring.Keys(ctx); err != nil {
		log.Warn("the ring could not be read again", "error", console.Plain(err))
	} else {
		log.Info("the ring was read again")
	}
	if cert != nil {
		cert.Reload()
	}
}

// listen listens at the address that a flag gives.
func listen(flag, given string, addr *net.TCPAddr) (net.Listener, error) {
	listener, err := net.ListenTCP("tcp", addr)
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if err != nil {
		return nil, &console.Failure{
			Err: fmt.Errorf("cannot listen at %s: %w", given, err), Code: console.ExitIO,
			Advice: "is something else there? give another " + flag + ", or end that",
		}
	}
	return listener, nil
}
