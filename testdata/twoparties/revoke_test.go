package twoparties

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// testRevocation revokes the signing key in an emergency. Every process refuses its tokens within
// max-age of the publication, and accepts the tokens of the next key within the cooldown of the
// fetches.
func testRevocation(t *testing.T, b programs) {
	const (
		unit       = 3 * time.Second // a token lives for twice as long
		maxAge     = unit / 2
		cooldown   = unit / 4
		idle       = 1500 * time.Millisecond // the issuer may leave its ring unread for this long
		slack      = 1500 * time.Millisecond // a busy machine needs it
		ago, after = time.Second, 6 * time.Second
	)
	p := b.start(t, unit)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stolen string
	var revoking, published time.Time
	l := p.load(ctx, func(*load) {
		defer stop()
		time.Sleep(ago)
		revoking = time.Now()
		stolen = revoke(t, p)
		published = time.Now()
		time.Sleep(after)
	})
	l.check(t)

	signer := make(map[string]string) // by token
	for _, r := range l.done {
		if r.status == http.StatusOK {
			signer[r.Token] = r.SignedWith
		}
	}
	var last, first time.Duration         // how long the stolen key was accepted, and after how long the next key was
	noticed := make(map[string]time.Time) // when an API refused the stolen key
	var fooled, refused int
	for _, r := range l.done {
		stale, accepted := signer[r.Token] == stolen, r.status == http.StatusOK
		switch {
		case accepted && stale:
			last = max(last, r.answered.Sub(published))
		case accepted:
			if since := r.answered.Sub(published); first == 0 || since < first {
				first = since
			}
		case !r.answered.Before(r.until()):
		case stale && r.status == http.StatusUnauthorized && r.answered.After(revoking):
			if at, ok := noticed[r.api]; !ok || r.answered.Before(at) {
				noticed[r.api] = r.answered
			}
		case r.status == http.StatusUnauthorized && (r.answered.Before(revoking) || r.asked.After(published) && r.sent.Sub(published) > cooldown+slack):
			refused++
		}
	}
	for _, r := range l.done {
		at, ok := noticed[r.api]
		if r.status == http.StatusOK && signer[r.Token] == stolen && (r.sent.Sub(published) > maxAge+slack || ok && r.sent.After(at)) {
			fooled++
		}
	}
	t.Logf("%d requests: published after %v; the revoked key was accepted for %v from then, its successor from %v on; %d tokens accepted later or again, %d refused that were valid",
		len(l.done), published.Sub(revoking).Round(time.Millisecond), last.Round(time.Millisecond), first.Round(time.Millisecond), fooled, refused)
	if long() && published.Sub(revoking) > idle+slack {
		t.Error("the revocation was published late")
	}
	if fooled > 0 || refused > 0 {
		t.Error("revoked tokens were accepted, or valid ones refused")
	}
	if len(noticed) != len(p.apis) || first == 0 {
		t.Errorf("%d of %d processes refused the revoked key", len(noticed), len(p.apis))
	}
}

// revoke revokes the active signing key like the command beside a running service. It returns when
// the issuer no longer publishes the key.
func revoke(t *testing.T, p *processes) (kid string) {
	ring, err := openRing(t.Context(), p.folder)
	if err != nil {
		t.Error(err)
		return
	}
	all, err := ring.Keys(t.Context())
	if err != nil {
		t.Error(err)
		return
	}
	for _, k := range all {
		if k.State == keyring.Active {
			kid = k.ID
		}
	}
	if _, err := ring.Revoke(t.Context(), keyring.Revocation{KeyID: kid, Reason: "compromised"}); err != nil {
		t.Error(err)
	}
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(20 * time.Millisecond) {
		set, err := get(p.client, p.issuer+"/jwks.json")
		if err == nil && !bytes.Contains(set, []byte(kid)) {
			return kid
		}
	}
	t.Error("the revoked key is published still")
	return kid
}

// openRing opens the ring of a party like the command does.
func openRing(ctx context.Context, folder string) (*keyring.Ring, error) {
	kek, err := keyring.KEKFile(filepath.Join(folder, "kek"))
	if err != nil {
		return nil, err
	}
	return keyring.Open(ctx, keyring.Config{Store: filestore.New(filepath.Join(folder, "ring")), KEK: kek})
}
