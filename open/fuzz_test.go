package open_test

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/open"
)

// fuzzFixture holds an opener with the keys of the golden tokens, and those keys for go-jose. Every
// process that fuzzes has the same keys.
type fuzzFixture struct {
	openers    []*open.Opener // for nested tokens, by typ
	selective  *open.Opener
	gateway    *open.Opener
	at         time.Time
	issuers    map[string]jose.JSONWebKey // by kid
	recipients map[string]jose.JSONWebKey
}

func newFuzzFixture(f *testing.F) (*fuzzFixture, map[string]goldenToken) {
	f.Helper()
	tokens := goldenTokens(f)
	x := &fuzzFixture{issuers: map[string]jose.JSONWebKey{}, recipients: map[string]jose.JSONWebKey{}}
	var issuers struct {
		Keys []json.RawMessage `json:"keys"`
	}
	var held []*keys.Key
	for _, g := range tokens {
		var issuer jose.JSONWebKey
		if err := issuer.UnmarshalJSON(g.Issuer); err != nil {
			f.Fatal(err)
		}
		x.issuers[issuer.KeyID] = issuer
		issuers.Keys = append(issuers.Keys, g.Issuer)
		for _, v := range g.views() {
			if v.Gateway {
				continue
			}
			recipient := readRecipient(v.Recipient)
			x.recipients[recipient.KeyID] = recipient
			held = append(held, must(keys.ParseKey(v.Recipient, keys.Hint{})))
		}
		x.at = time.Unix(g.Clock, 0)
	}
	public := must(keys.ParsePublicSet(must(json.Marshal(issuers))))
	cfg := anyOpen{SelectiveConfig: open.SelectiveConfig{Audience: audience, Trust: []open.Issuer{{ID: issuerID, Keys: public}}, Decryption: keytest.NewSet(held...)}}
	for _, typ := range []string{"sealed+jwt", "JWT"} {
		cfg.SetType(typ)
		x.openers = append(x.openers, newOpener(f, cfg))
	}
	cfg.Selective = selectiveForm
	x.selective = newOpener(f, cfg)
	gateway(&cfg)
	x.gateway = newOpener(f, cfg)
	return x, tokens
}

// open checks the rule that holds for every text: Open returns either an error alone or a token.
func (x *fuzzFixture) open(t *testing.T, o *open.Opener, text string) *open.Token {
	t.Helper()
	tok, err := o.OpenAt(t.Context(), text, x.at)
	if (err == nil) != (tok != nil) {
		t.Fatalf("Open returned %v and %v", tok, err)
	}
	if err != nil && !vocabulary.MatchString(err.Error()) {
		t.Fatalf("error says %q", err)
	}
	checkMemory(t, text, func() {
		if again, err := o.OpenAt(t.Context(), text, x.at); (err == nil) != (tok != nil) {
			t.Fatalf("Open returned %v, and then %v", tok, again)
		}
	})
	return tok
}

// checkMemory checks that f, which reads the text, allocates in proportion to it. The measurement
// is slow, so only a few short texts are measured. Their length selects them, so that a failure can
// be repeated.
func checkMemory(t *testing.T, text string, f func()) {
	t.Helper()
	if len(text) < 4<<10 && len(text)%16 != 0 {
		return
	}
	limit := 4*len(text) + 64<<10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if after.TotalAlloc-before.TotalAlloc <= uint64(limit) {
		return
	}
	if used := allocated(f); used > limit {
		t.Fatalf("a text of %d bytes takes %d bytes of memory, and %d are allowed", len(text), used, limit)
	}
}

func rawClaims(t *testing.T, tok *open.Token) []byte {
	t.Helper()
	var raw json.RawMessage
	if err := tok.Claims(&raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

// FuzzOpen tries any text as a token. An accepted nested token is a golden one, because encrypted
// text has no second spelling.
func FuzzOpen(f *testing.F) {
	x, tokens := newFuzzFixture(f)
	golden := make(map[string]bool)
	for _, g := range tokens {
		golden[g.Token] = true
		f.Add(g.Token)
		f.Add(strings.ToUpper(g.Token))
		f.Add(g.Token + "=")
		f.Add(strings.Replace(g.Token, "..", ".AA.", 1))
		f.Add(`{"protected":"` + strings.Split(g.Token, ".")[0] + `"}`)
	}
	f.Add("....")
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range x.openers {
			tok := x.open(t, o, text)
			if tok == nil {
				continue
			}
			if !golden[text] {
				t.Fatal("accepted, and no sealer has made it")
			}
			theirs, err := joseOpen(text, x.issuers[tok.SigningKeyID()], x.recipients[tok.DecryptionKeyID()])
			if err != nil || !bytes.Equal(theirs, rawClaims(t, tok)) {
				t.Fatalf("go-jose reads %q, %v", theirs, err)
			}
			for _, part := range strings.Split(text, ".") {
				if encode(decode(part)) != part {
					t.Fatalf("accepted with a part that is spelled %q", part)
				}
			}
		}
	})
}
