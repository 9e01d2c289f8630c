package bearer_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
)

// testRevocation: an operator revokes the signing key in an emergency. It is refused by
// every process within max-age from its publication, and what its successor signs is
// accepted within the cooldown of the fetches.
func testRevocation(t *testing.T, b programs) {
	const (
		unit       = 3 * time.Second // a token lives for twice as long
		maxAge     = unit
		cooldown   = unit / 4
		published  = 1500 * time.Millisecond // the longest that Run is idle
		slack      = 500 * time.Millisecond  // of a busy machine
		ago, after = time.Second, 6 * time.Second
	)
	p := b.start(t, unit)
	ctx, stop := context.WithTimeout(t.Context(), ago+after)
	defer stop()
	var stolen string
	var revoked time.Time
	l := p.load(ctx, func() {
		time.Sleep(ago)
		stolen = revoke(t, p.folder)
		revoked = time.Now()
	})
	l.check(t, ago+after)

	signer := make(map[string]string) // of a token
	for _, r := range l.done {
		if r.status == http.StatusOK {
			signer[r.Token] = r.SignedWith
		}
	}
	var last, first time.Duration // that the stolen key was accepted, that its successor was
	var fooled, noticed, refused int
	for _, r := range l.done {
		stale, accepted, over := signer[r.Token] == stolen, r.status == http.StatusOK, !r.answered.Before(r.until())
		sent, answered := r.sent.Sub(revoked), r.answered.Sub(revoked)
		known := r.asked.Sub(revoked) > published && sent > published+cooldown+slack // the successor, everywhere
		switch {
		case accepted && stale && sent > published+maxAge+slack:
			fooled++
		case accepted && stale:
			last = max(last, answered)
		case accepted && (first == 0 || answered < first):
			first = answered
		case !accepted && !over && (answered < 0 || !stale && known):
			refused++
		case !accepted && !over && stale:
			noticed++
		}
	}
	t.Logf("%d requests: the revoked key was accepted for %v, its successor from %v on; %d tokens refused for it, %d accepted after max-age, %d refused that were valid",
		len(l.done), last.Round(time.Millisecond), first.Round(time.Millisecond), noticed, fooled, refused)
	if fooled > 0 || refused > 0 {
		t.Error("revoked tokens were accepted, or valid ones refused")
	}
	if noticed == 0 || first == 0 {
		t.Error("nothing was seen of the revocation")
	}
}

// revoke revokes the active signing key, as the command does beside a running service.
func revoke(t *testing.T, folder string) (kid string) {
	kek, err := keys.KeyFile(filepath.Join(folder, "kek"))
	if err != nil {
		t.Error(err)
		return
	}
	ring, err := keys.Open(t.Context(), filestore.New(filepath.Join(folder, "ring")), kek)
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
		if k.State == keys.Active {
			kid = k.ID
		}
	}
	if _, err := ring.Revoke(t.Context(), keys.Revocation{KeyID: kid, Reason: "compromised"}); err != nil {
		t.Error(err)
	}
	return kid
}
