package seal_test

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/seal"
	"github.com/sealjwt/sealjwt/seal/pii"
)

const mail = "ada@example.com"

// guarded is a configuration whose signer must not be called.
type guarded struct {
	cfg   anySeal
	asked *bool
}

func newGuarded(form bool, signingKid string) guarded {
	private, asked := newPrivate(keys.ES256), new(bool)
	r := &remote{Signer: private, sign: func(digest []byte) ([]byte, error) {
		*asked = true
		return private.Sign(nil, digest, crypto.SHA256)
	}}
	cfg := defaults().config()
	cfg.Selective, cfg.Signing = form, keytest.NewSet(must(keys.FromSigner(signingKid, keys.ES256, r)))
	*asked = false // FromSigner has called the signer
	return guarded{cfg, asked}
}

// withKid returns a recipient's set with one key and this kid.
func withKid(kid string) *keys.PublicSet {
	public := newPrivate(keys.ECDHES).(*ecdsa.PrivateKey).Public()
	return must(keys.ParsePublicSet(must(json.Marshal(jose.JSONWebKeySet{
		Keys: []jose.JSONWebKey{{Key: public, KeyID: kid, Algorithm: "ECDH-ES", Use: "enc"}},
	}))))
}

// Personal data that an attacker could read is refused before any signature, unless AllowReadable
// has its name.
func TestGuard(t *testing.T) {
	t.Parallel()
	const nested, selective = nested, selective
	claims := func(text string) seal.Claims { return seal.Claims{Custom: json.RawMessage(text)} }
	show := func(names ...string) func(c *anySeal) { return func(c *anySeal) { c.Visible = names } }
	for _, tt := range []struct {
		name   string
		form   bool
		bend   func(c *anySeal)
		claims seal.Claims
		allow  string // the name that allows it
		want   string // part of the error, besides the kind
		kind   pii.Kind
	}{
		{"a value", selective, show("note"), claims(`{"note":"write to ada@example.com"}`), "note", "the claim note", pii.Email},
		{"a value that is escaped", selective, show("note"), claims(`{"note":"ada\u0040example.com"}`), "note", "note", pii.Email},
		{"a value deep inside", selective, show("ok", "list"), claims(`{"ok":1,"list":[0,{"to":["ada@example.com"]}]}`), "list", "list[1].to[0]", pii.Email},
		{"a name deep inside", selective, show("app"), claims(`{"app":{"owner":{"email":""}}}`), "app", "app.owner.email", pii.Email},
		{"a name that is a value", selective, show("by_user"), claims(`{"by_user":{"ada@example.com":1}}`), "by_user", "by_user", pii.Email},
		{"a place deep inside", selective, show("org"), claims(`{"org":{"contact":{"email":"x"},"name":"Mill"}}`), "org.contact.email",
			"name org.contact.email in AllowReadable", pii.Email},
		{"a card", selective, show("ref"), claims(`{"ref":4111111111111111}`), "ref", "ref", pii.Card},
		{"an IBAN", selective, show("ref"), claims(`{"ref":"GB82 WEST 1234 5698 7654 32"}`), "ref", "ref", pii.IBAN},
		{"a telephone", selective, show("ref"), claims(`{"ref":"+442079460958"}`), "ref", "ref", pii.Phone},
		{"a private key in cnf", selective, show("cnf"),
			claims(`{"cnf":{"jwk":{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"0123456789"}}}`), "cnf", "cnf.jwk", pii.PrivateKey},
		{"sub", selective, nil, seal.Claims{Subject: mail}, "sub", "sub looks", pii.Email},
		{"sub, replicated", nested, func(c *anySeal) { c.Replicate = []string{"sub"} }, seal.Claims{Subject: mail}, "sub", "sub looks", pii.Email},
		{"jti", selective, nil, seal.Claims{ID: "login-" + mail}, "jti", "jti looks", pii.Email},
		{"sid", selective, nil, seal.Claims{Session: seal.Session{ID: mail, NotAfter: clock.Add(time.Hour)}}, "sid", "sid looks", pii.Email},
		{"kid of the recipient", nested, func(c *anySeal) { c.Recipients[0].Keys = withKid(mail) }, seal.Claims{}, "kid", "kid looks", pii.Email},
		{"kid of a second recipient", selective, func(c *anySeal) {
			c.Recipients = append(c.Recipients, seal.SelectiveRecipient{Audience: "b", Keys: withKid(mail), Reads: []string{}})
			c.Recipients[0].ReadsAll = true
		}, seal.Claims{}, "kid", "kid looks", pii.Email},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, allowed := range [][]string{nil, {}, {"other", "NOTE", "Sub", ""}, {tt.allow}} {
				g := newGuarded(tt.form, "sig-1")
				if tt.bend != nil {
					tt.bend(&g.cfg)
				}
				g.cfg.AllowReadable = allowed
				token, err := newSealer(t, g.cfg).Seal(t.Context(), tt.claims)
				if len(allowed) == 1 {
					if err != nil || token == "" || !*g.asked {
						t.Errorf("allowed: %v", err)
					}
					continue
				}
				checkRefused(t, token, err, tt.want, tt.kind)
				if *g.asked {
					t.Error("the signer was asked")
				}
			}
		})
	}
}

// checkRefused checks that the error names the place and the kind, and does not quote the value.
func checkRefused(t *testing.T, token string, err error, want string, kind pii.Kind) {
	t.Helper()
	if token != "" || !errors.Is(err, seal.ErrReadable) {
		t.Fatalf("%q, %v", token, err)
	}
	text := fmt.Sprintf("%v %+v %q", err, err, err)
	if !strings.Contains(text, want) || !strings.Contains(text, string(kind)) || !strings.Contains(text, "AllowReadable") {
		t.Errorf("%q does not say %q and %q", text, want, kind)
	}
	for _, value := range []string{mail, "ada@", "4111", "GB82", "4420", "0123456789"} {
		if strings.Contains(text, value) {
			t.Errorf("the error holds the value: %s", text)
		}
	}
}

// Only a selective token shows the kid of the signing key.
func TestGuardKid(t *testing.T) {
	t.Parallel()
	g := newGuarded(selective, mail)
	token, err := newSealer(t, g.cfg).Seal(t.Context(), seal.Claims{})
	checkRefused(t, token, err, "kid looks", pii.Email)
	if *g.asked {
		t.Error("the signer was asked")
	}
	g.cfg.AllowReadable = []string{"kid"}
	sealWith(t, g.cfg, seal.Claims{})
	sealWith(t, newGuarded(nested, mail).cfg, seal.Claims{})
}

// A constructor refuses personal data that every token would show.
func TestGuardConfig(t *testing.T) {
	t.Parallel()
	const nested, selective = nested, selective
	for _, tt := range []struct {
		name  string
		form  bool
		bend  func(c *anySeal)
		allow string
		kind  pii.Kind
	}{
		{"a visible name", selective, func(c *anySeal) { c.Visible = []string{"scope", "email"} }, "email", pii.Email},
		{"a visible name, spelled otherwise", selective, func(c *anySeal) { c.Visible = []string{"BirthDate"} }, "BirthDate", pii.BirthDate},
		{"iss", selective, func(c *anySeal) { c.Issuer = "mailto:" + mail }, "iss", pii.Email},
		{"iss, replicated", nested, func(c *anySeal) { c.Issuer, c.Replicate = "mailto:"+mail, []string{"iss"} }, "iss", pii.Email},
		{"aud", selective, func(c *anySeal) { c.Recipients[0].Audience = mail }, "aud", pii.Email},
		{"a second aud", selective, func(c *anySeal) {
			c.Recipients[0].ReadsAll = true
			c.Recipients = append(c.Recipients, seal.SelectiveRecipient{Audience: mail, Keys: newSet(keys.ECDHES), Reads: []string{}})
		}, "aud", pii.Email},
		{"aud, replicated", nested, func(c *anySeal) { c.Recipients[0].Audience, c.Replicate = mail, []string{"aud"} }, "aud", pii.Email},
		{"typ", selective, func(c *anySeal) { c.Type = mail }, "typ", pii.Email},
	} {
		for _, allowed := range [][]string{nil, {"other"}, {tt.allow}} {
			g := newGuarded(tt.form, "sig-1")
			tt.bend(&g.cfg)
			g.cfg.AllowReadable = allowed
			s, err := newAny(g.cfg)
			if len(allowed) == 1 && allowed[0] == tt.allow {
				if err != nil {
					t.Errorf("%s, allowed: %v", tt.name, err)
				}
				continue
			}
			if s != nil {
				t.Fatalf("%s: %v", tt.name, s)
			}
			checkRefused(t, "", err, tt.allow, tt.kind)
		}
	}
}

// A visible name that is personal data itself cannot be allowed, because no error could name it.
func TestGuardVisibleName(t *testing.T) {
	t.Parallel()
	g := newGuarded(selective, "sig-1")
	g.cfg.Visible, g.cfg.AllowReadable = []string{"scope", mail}, []string{mail, pii.RedactedName}
	s, err := newAny(g.cfg)
	if s != nil || !errors.Is(err, seal.ErrReadable) || strings.Contains(err.Error(), mail) {
		t.Errorf("%v, %v", s, err)
	}
}

// A sealed claim may hold any personal data.
func TestGuardHidden(t *testing.T) {
	t.Parallel()
	personal := seal.Claims{Subject: mail, ID: mail, Custom: map[string]any{"email": mail, "card": 4111111111111111}}
	g := newGuarded(nested, "sig-1")
	g.cfg.Issuer, g.cfg.Recipients[0].Audience, g.cfg.Type = mail, mail, mail
	sealWith(t, g.cfg, personal)
	g = newGuarded(selective, "sig-1")
	personal.Subject, personal.ID = "u-42", ""
	sealWith(t, g.cfg, personal)
	// A replicated claim shows no other claim.
	for _, name := range []string{"iss", "sub", "aud"} {
		g := newGuarded(nested, "sig-1")
		c := seal.Claims{ID: mail}
		if g.cfg.Replicate = []string{name}; name != "sub" {
			c.Subject = mail
		}
		if name != "iss" {
			g.cfg.Issuer = mail
		}
		if name != "aud" {
			g.cfg.Recipients[0].Audience = mail
		}
		sealWith(t, g.cfg, c)
	}
}

// Values that the library draws itself are never refused. Otherwise a token could fail by chance,
// or a key rotation could end all tokens.
func TestGuardNoFalseAlarm(t *testing.T) {
	t.Parallel()
	cfg := defaults().config()
	cfg.Selective = selective
	s := newSealer(t, cfg)
	for range 2000 {
		if _, err := s.Seal(t.Context(), seal.Claims{Subject: "u-42"}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2000 {
		if kind, personal := pii.InText(newKey(keys.ECDHES).ID()); personal {
			t.Fatalf("a generated kid is taken for a %s", kind)
		}
	}
}
