package keyring

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/tombstone"
)

// A ring has daily keys for both uses, and an emergency every week. It accepts every change for
// decades, stays small, and each change takes little time.
func TestRingOverYears(t *testing.T) {
	years := 3
	if os.Getenv("SEALJWT_LONG") == "1" {
		years = 30
	}
	c := newClock()
	policy := Policy{TokenLifetime: 15 * time.Minute, CacheAge: time.Hour, SnapshotAge: 10 * time.Minute, Sig: UsePolicy{Period: day}, Enc: UsePolicy{Period: day}}
	d := must(newDocument(Config{Policy: policy}, c.now()))(t)
	d.stamp(Checkpoint{}, c.now(), logEntry{what: "create"})
	first := slices.Clone(d.Keys)
	changes := 0
	write := func(log []logEntry) {
		d.stamp(d.checkpoint(), c.now(), log...)
		changes++
	}
	for n := range years * 365 * 24 {
		c.advance(time.Hour - 123_456)
		for s, due := d.next(c.now()); due; s, due = d.next(c.now()) {
			var fresh record
			if s.Action == Stage {
				fresh = must(d.freshKey(s.Use, record{}))(t)
				s.KeyID = fresh.ID
			}
			if err := d.apply(s, fresh, c.now()); err != nil {
				t.Fatal(err)
			}
			write(s.entries())
		}
		if week := 7 * 24; n%week == 0 {
			kid := d.activeID([]keys.Use{keys.UseSig, keys.UseEnc}[n/week%2])
			_, log, err := d.revoke(Revocation{KeyID: kid, Reason: "compromised"}, c.now(), new(drawn))
			if err != nil {
				t.Fatal(err)
			}
			write(log)
		}
	}
	store := storeWith(t, seal(t, d))
	size, ended := len(blobOf(t, store)), len(d.Ended.All())
	t.Logf("%d years: %d changes, %d compact tombstones, %d bytes", years, changes, ended, size)
	if ended < years*700-endedLength || size > 640_000 || size > 150_000+ended*22 {
		t.Errorf("%d compact tombstones, %d bytes", ended, size)
	}
	if len(d.Log) != logLength || len(d.History) != historyLength || len(d.Keys)-d.held() != endedLength {
		t.Errorf("log of %d, history of %d, %d tombstones with dates", len(d.Log), len(d.History), len(d.Keys)-d.held())
	}

	// The ring works like any other.
	r := openRing(t, store, c.now)
	began := time.Now()
	const looks = 10
	for range looks {
		must(r.Revoke(t.Context(), Revocation{KeyID: activeID(r, keys.UseSig), Reason: "compromised"}))(t)
	}
	t.Logf("a revocation takes %v", time.Since(began)/looks)
	if full := must(r.Fullness(t.Context()))(t); full != float64(len(blobOf(t, store)))/maxRing || full > 0.5 {
		t.Errorf("fullness %v", full)
	}

	// The ring remembers the keys that ended first, and their kids never return.
	set := must(r.PrivateKeys(t.Context()))(t)
	for _, old := range first {
		if set.WasErased(old.ID) != (old.Use == keys.UseEnc) {
			t.Errorf("the first %s key: erased %t", old.Use, set.WasErased(old.ID))
		}
		own := parsed(t, old.JWK, keys.Hint{})
		for _, k := range []ownKey{own, withID(t, own, "under another name"), withID(t, generated(t, keys.ES256), old.ID)} {
			wantError(t, r.importOwn(t.Context(), k, Staged), keys.ErrDuplicate)
		}
	}
}

// A key that was destroyed long ago can still be revoked, once.
func TestTombstonesRevoke(t *testing.T) {
	c := newClock()
	store := NewMemStore()
	r := newRing(t, store, c.now)
	sig, enc, imported := generated(t, keys.ES256), generated(t, keys.ECDHES), withID(t, generated(t, keys.ES256), "imported")
	editStored(t, store, func(d *document) {
		d.Ended.Add(tombstone.Tombstone{KeyID: sig.ID(), Use: keys.UseSig})
		d.Ended.Add(tombstone.Tombstone{KeyID: enc.ID(), Use: keys.UseEnc})
		d.Ended.Add(tombstone.Tombstone{KeyID: imported.ID(), Thumbprint: imported.Thumbprint(), Use: keys.UseSig})
	})
	for _, k := range []ownKey{sig, enc, imported} {
		infos := must(r.Revoke(t.Context(), Revocation{KeyID: k.ID(), Reason: "compromised"}))(t)
		if len(infos) != 1 || infos[0].ID != k.ID() || infos[0].State != Revoked || infos[0].Use != k.Use() {
			t.Errorf("revoked %+v", infos)
		}
		_, err := r.Revoke(t.Context(), Revocation{KeyID: k.ID()})
		wantError(t, err, ErrState)
		wantError(t, r.importOwn(t.Context(), k, Staged), keys.ErrDuplicate)
	}
	wantError(t, r.importOwn(t.Context(), withID(t, imported, "another"), Staged), keys.ErrDuplicate)
	if d := r.snapshot.Load().document; len(d.Ended.All()) != 3 || len(d.Ended.Sig)+len(d.Ended.Enc) != 0 {
		t.Errorf("tombstones %+v", d.Ended)
	}
	must(openAt(t.Context(), Config{Store: store, KEK: rawKey(t)}, c.now))(t)
}
