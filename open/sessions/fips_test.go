package sessions

import (
	"crypto/fips140"
	"testing"
	"time"
)

// With FIPS 140-3 enforced a registry starts, refreshes, rewraps, rotates and ends sessions.
func TestFIPSRegistry(t *testing.T) {
	if !fips140.Enforced() {
		t.Skip("GODEBUG=fips140=only is not set")
	}
	c := newClock()
	cfg := testConfig(t, NewMemStore())
	r := registryOf(t, cfg, c)
	s, token := login(t, r, "ada")
	_, token = refreshed(t, r, token)
	if err := r.Rewrap(t.Context(), cfg.KEK, newKEK(t)); err != nil {
		t.Fatal(err)
	}
	if err := r.RotateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.add(time.Minute)
	_, token = refreshed(t, registryOf(t, cfg, c), token)
	if list := must(r.List(t.Context(), "ada"))(t); len(list) != 1 || list[0].Device.Name != "Ada's phone" {
		t.Errorf("List returns %+v", list)
	}
	if err := r.End(t.Context(), "ada", s.ID); err != nil {
		t.Fatal(err)
	}
	wantRefresh(t, r, token, ErrEnded)
}
