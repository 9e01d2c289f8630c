package open_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/seal"
)

// The claims that were sealed to us follow the claims in clear. All keep the spelling in which they
// were signed.
func TestSelectiveToken(t *testing.T) {
	t.Parallel()
	s := forgeSelective()
	s.Claims.Set("rate", "7.10")
	s.Claims.Set("note_2", `{ "a" : [ 1.50, "<&>" ] }`)
	s.Ours().Claims.Set("big", "12345678901234567890")
	s.Ours().Claims.Set("exact", "-0.0E+2")
	s.Ours().Claims.Set("caf\u00e9", `"\u00e9\/"`)
	tok := accepted(t, selectiveConfig(), s.Token())
	want := strings.TrimSuffix(s.Claims.Text(), "}") + "," + s.Ours().Claims.Text()[1:]
	if got := string(rawClaims(t, tok)); got != want {
		t.Errorf("claims are\n%s, want\n%s", got, want)
	}
	if sealed := []string{"email", "note", "weight", "big", "exact", "caf\u00e9"}; !slices.Equal(tok.SealedNames(), sealed) {
		t.Errorf("sealed are %q", tok.SealedNames())
	}
	if tok.SealedForOthers() != 1 || tok.DecryptionKeyID() != "kid-of-ECDH-ES" || tok.SigningKeyID() != "kid-of-ES256" {
		t.Errorf("%d for others, keys %q and %q", tok.SealedForOthers(), tok.DecryptionKeyID(), tok.SigningKeyID())
	}
	if tok.Issuer() != issuerID || tok.Subject() != "subject-kestrel-42" || tok.ID() != "id-bramble-99" || len(tok.Audience()) != 2 {
		t.Error("the registered claims are others")
	}
	var profile struct {
		Scope  string      `json:"scope"`
		Email  string      `json:"email"`
		Weight json.Number `json:"weight"`
		Sealed []string    `json:"sealed"`
	}
	if err := tok.Claims(&profile); err != nil || profile.Scope != "read-thistle" || profile.Email != "ada.quillwood@example.com" ||
		profile.Weight != "84.50" || profile.Sealed != nil {
		t.Errorf("struct: %+v, %v", profile, err)
	}
	// A caller cannot change a token through the results of its methods.
	tok.SealedNames()[0] = "evil"
	copy(rawClaims(t, tok), bytes.Repeat([]byte("x"), 100))
	if tok.SealedNames()[0] != "email" || string(rawClaims(t, tok)) != want {
		t.Error("the token was changed")
	}
	// All claims of a nested token are sealed, and none is for others.
	nested := accepted(t, config(), forgeNested().Token())
	if !slices.Equal(nested.SealedNames(), []string{"iss", "sub", "aud", "iat", "exp", "jti", "email", "note", "weight"}) || nested.SealedForOthers() != 0 {
		t.Errorf("nested: sealed are %q, and %d for others", nested.SealedNames(), nested.SealedForOthers())
	}
}

// Goroutines share one sealer and two openers while the race detector watches.
func TestSelectiveConcurrent(t *testing.T) {
	t.Parallel()
	sealer := must(newAny(anySeal{SelectiveConfig: seal.SelectiveConfig{
		Issuer:  issuerID,
		Signing: privateSet(testKeyFor(keys.ES256)),
		Visible: []string{"scope"},
		Recipients: []seal.SelectiveRecipient{
			{Audience: billing, Keys: publicSet(billingKey()), Reads: []string{"account"}},
			{Audience: audience, Keys: publicSet(testKeyFor(keys.ECDHES)), Reads: []string{"email"}},
		},
	}, Selective: true}))
	cfg := selectiveConfig()
	cfg.Require = []string{"email"}
	opener := newOpener(t, cfg)
	cfg = selectiveConfig()
	gateway(&cfg)
	atTheGate := newOpener(t, cfg)
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 10 {
				id := fmt.Sprint(g, "-", i)
				custom := map[string]any{"scope": "read", "account": id, "email": id + "@example.com"}
				token, err := sealer.Seal(t.Context(), seal.Claims{ID: id, Custom: custom})
				if err != nil {
					t.Error(err)
					return
				}
				tok, err := opener.Open(t.Context(), token)
				if err != nil || tok.ID() != id || !slices.Equal(tok.SealedNames(), []string{"email"}) {
					t.Errorf("opened %v, %v", tok, err)
					return
				}
				var claims map[string]any
				if err := tok.Claims(&claims); err != nil || claims["email"] != custom["email"] || claims["account"] != nil {
					t.Errorf("claims are %v, %v", claims, err)
				}
				tok, err = atTheGate.Open(t.Context(), token)
				if err != nil || tok.ID() != id || tok.SealedForOthers() != 2 {
					t.Errorf("at the gate %v, %v", tok, err)
				}
			}
		})
	}
	group.Wait()
}
