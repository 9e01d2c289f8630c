// Package party has the common code of the two programs beside it: it opens a ring, and runs a
// server that rotates this ring. It is an example, to be copied and changed.
package party

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// Party is one of the two parties. All its durations are zero, which stands for the defaults,
// unless the flag -policy sets shorter ones.
type Party struct {
	Listen, Folder string

	Policy             keyring.Policy
	Lifetime, Leeway   time.Duration // for seal.Config and open.Config
	MaxStale, Cooldown time.Duration // for jwks.RemoteConfig
}

// Main reads the flags and runs a program until a signal stops it.
func Main(listen string, run func(context.Context, *Party) error) error {
	p := &Party{}
	flag.StringVar(&p.Listen, "listen", listen, "`address` on this machine: it speaks plain HTTP")
	flag.StringVar(&p.Folder, "ring", "", "`folder` for the ring and the key that encrypts it, both made if they are missing")
	unit := flag.Duration("policy", 0, "for a demonstration: a token lives for two such `durations`, and the keys change every five to ten")
	flag.Parse()
	if p.Folder == "" || flag.NArg() != 0 {
		return errors.New("the flag -ring is needed, and there are no arguments; -help lists the flags")
	}
	if *unit != 0 {
		p.shorten(*unit)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, p); !errors.Is(err, context.Canceled) { // stopped before it listened
		return err
	}
	return nil
}

// shorten makes a policy for users who want to see keys change. A party that caches keys or opens
// tokens keeps to the same figures, so every token stays valid.
func (p *Party) shorten(unit time.Duration) {
	p.Policy = keyring.Policy{
		TokenLifetime: max(2*unit, time.Second), Leeway: unit / 4, ClockSkew: unit / 4,
		CacheAge: 2 * unit, MaxAge: unit / 2, PublishLag: unit / 4,
		SnapshotAge: max(2*unit, 2*time.Second), // Run is idle for up to 1.5 s
	}
	w := p.Policy.Windows()
	p.Policy.Sig.Period = max(2*w.SignAhead, w.SignKept) + unit/4
	p.Policy.Enc.Period = max(2*w.EncAhead, w.EncKept) + unit/4
	p.Lifetime = p.Policy.TokenLifetime.Truncate(time.Second)
	p.Leeway, p.MaxStale, p.Cooldown = p.Policy.Leeway, p.Policy.CacheAge, unit/4
}

// Ring opens the party's ring, or makes it. In a real service the ring and the key that encrypts it
// are in different places, and an operator has made both before the service starts.
func (p *Party) Ring(ctx context.Context, use keys.Use) (*keyring.Ring, error) {
	store, file := filestore.New(filepath.Join(p.Folder, "ring")), filepath.Join(p.Folder, "kek")
	if _, _, err := store.Load(ctx); errors.Is(err, keyring.ErrNoRing) {
		return p.create(ctx, store, file, use)
	}
	kek, err := keyring.KEKFile(file)
	if err != nil {
		return nil, err
	}
	ring, err := keyring.Open(ctx, keyring.Config{Store: store, KEK: kek})
	if err != nil {
		return nil, err
	}
	policy, err := ring.Policy(ctx)
	if err != nil {
		return nil, err
	}
	// The ring keeps the policy that it was made with. If the figures of the sealer or of the other
	// party do not fit that policy, no token is sealed, or the other party uses keys for too long.
	if policy.Windows() != p.Policy.Windows() {
		return nil, fmt.Errorf("the ring in %s goes by another policy: start with the -policy that it was made with, or with another folder as -ring", p.Folder)
	}
	return ring, nil
}

// create makes the ring. If the process was killed before, it left a key, and create uses that key.
func (p *Party) create(ctx context.Context, store keyring.Store, file string, use keys.Use) (*keyring.Ring, error) {
	kek, err := keyring.KEKFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		kek, err = keyring.CreateKEKFile(file)
	}
	if err != nil {
		return nil, err
	}
	return keyring.Create(ctx, keyring.Config{Store: store, KEK: kek, Policy: p.Policy, Uses: []keys.Use{use}})
}

// Remote returns the source of the other party's keys.
func (p *Party) Remote(url string) (*jwks.Remote, error) {
	return jwks.NewRemote(jwks.RemoteConfig{URL: url, MaxStale: p.MaxStale, Cooldown: p.Cooldown, Report: func(f jwks.FetchResult) {
		if f.Err != nil {
			slog.Error("the other party's keys", "err", f.Err)
		}
	}})
}

// KEK returns the key that encrypts the ring. Ring has made that key.
func (p *Party) KEK() (keyring.KEK, error) { return keyring.KEKFile(filepath.Join(p.Folder, "kek")) }

// Serve answers requests, rotates the ring and calls the given functions until the context is done.
// Requests that are under way by then have ten seconds.
func (p *Party) Serve(ctx context.Context, ring *keyring.Ring, h http.Handler, run ...func(context.Context)) error {
	l, err := net.Listen("tcp", p.Listen)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	background.Go(func() { ring.Run(ctx, report) }) // its error comes from the context
	for _, r := range run {
		background.Go(func() { r(ctx) })
	}

	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,

		DisableGeneralOptionsHandler: true, // Go would answer OPTIONS * before the handler
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	slog.Info("listening", "address", p.Listen)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(last)
}

func report(s keyring.Step, err error) {
	if err != nil {
		slog.Error("the ring was not rotated", "err", err)
		return
	}
	slog.Info("the ring was rotated", "action", s.Action, "use", s.Use, "kid", s.KeyID)
}

// Answer writes JSON that no cache may keep.
func Answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.Error("the answer was not sent", "err", err)
	}
}
