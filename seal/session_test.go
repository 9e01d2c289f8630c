package seal_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/seal"
)

// The sid stands in clear in a selective token, and inside a nested one.
func TestSession(t *testing.T) {
	t.Parallel()
	p := defaults()
	c := seal.Claims{ID: "the-id", Session: seal.Session{ID: "session-alder-7", NotAfter: clock.Add(time.Hour)}}
	token := p.seal(t, c)
	const want = `{"iss":"https://id.example.com","aud":"https://api.example.com","iat":1767225600,"exp":1767226500,"jti":"the-id","sid":"session-alder-7"}`
	if payload := p.payload(t, token); payload != want {
		t.Errorf("payload is\n%s, want\n%s", payload, want)
	}
	if sid := p.open(t, token).SessionID(); sid != c.Session.ID {
		t.Errorf("SessionID is %q", sid)
	}
	cfg := p.config()
	cfg.Selective, cfg.Recipients[0].ReadsAll = selective, true
	c.Custom = json.RawMessage(`{"email":"ada@example.com"}`)
	text := string(decode(strings.Split(must(newSealer(t, cfg).Seal(t.Context(), c)), ".")[1]))
	if !strings.Contains(text, `"sid":"session-alder-7"`) {
		t.Errorf("the payload has no sid: %s", text)
	}
}

// No token outlives the list that remembers the end of its session.
func TestSessionNotAfter(t *testing.T) {
	t.Parallel()
	expires := time.Unix(clock.Unix(), 0).Add(seal.DefaultLifetime)
	for _, tt := range []struct {
		name     string
		notAfter time.Time
		good     bool
	}{
		{"long after exp", expires.Add(time.Hour), true},
		{"at exp", expires, true},
		{"a nanosecond before exp", expires.Add(-1), false},
		{"long before exp", clock, false},
		{"in the past", clock.Add(-time.Hour), false},
		{"before 1970", time.Unix(-1, 0), false},
	} {
		for _, form := range []bool{nested, selective} {
			cfg := defaults().config()
			cfg.Selective = form
			if form == selective {
				cfg.Recipients[0].ReadsAll = true
			}
			token, err := newSealer(t, cfg).Seal(t.Context(), seal.Claims{Session: seal.Session{ID: "s", NotAfter: tt.notAfter}})
			if tt.good != (err == nil) || tt.good != (token != "") || !tt.good && !errors.Is(err, seal.ErrLifetime) {
				t.Errorf("%s: %q, %v", tt.name, token, err)
			}
		}
	}
}
