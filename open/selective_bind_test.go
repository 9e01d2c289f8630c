package open_test

import (
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open"
)

// slots are the JWE for us and the one for another recipient, which we check all the
// same, and so does a gateway: what it lets pass, the other must refuse.
var slots = []struct {
	name string
	jwe  func(bend func(f *forgery)) func(s *selective)
	cfg  func(c *anyOpen)
}{
	{"ours", ours, nil},
	{"another's", theirs, nil},
	{"for a gateway", ours, gateway},
}

// TestBinding: a JWE belongs to one token. Else whoever is trusted to sign could put
// somebody else's claims into a token, which he cannot read, and have the recipient
// read them to him, or act on them.
func TestBinding(t *testing.T) {
	t.Parallel()
	noJTI := visible(noClaim("jti"))
	for _, slot := range slots {
		var rows []selectiveRow
		add := func(name string, bend func(s *selective), want error) {
			rows = append(rows, selectiveRow{name, bend, slot.cfg, want})
		}
		add("equal", nil, nil)
		add("jti of another token", slot.jwe(outer("jti", `"id-bramble-98"`)), open.ErrClaims)
		add("iss of another issuer", slot.jwe(outer("iss", quoted(otherID))), open.ErrClaims)
		add("no jti in the JWE", slot.jwe(noOuter("jti")), open.ErrClaims)
		add("no iss in the JWE", slot.jwe(noOuter("iss")), open.ErrClaims)
		add("neither in the JWE", slot.jwe(both(noOuter("iss"), noOuter("jti"))), open.ErrClaims)
		add("JTI in other letters", slot.jwe(both(noOuter("jti"), outer("JTI", `"id-bramble-99"`))), open.ErrClaims)
		add("ISS in other letters", slot.jwe(both(noOuter("iss"), outer("Iss", quoted(issuerID)))), open.ErrClaims)
		add("jti in two cases", slot.jwe(outer("JTI", `"id-bramble-99"`)), open.ErrMalformed)
		add("jti in another case", slot.jwe(outer("jti", `"ID-BRAMBLE-99"`)), open.ErrClaims)
		add("jti with a space behind", slot.jwe(outer("jti", `"id-bramble-99 "`)), open.ErrClaims)
		add("jti a beginning of it", slot.jwe(outer("jti", `"id-bramble-9"`)), open.ErrClaims)
		add("jti spelled with escapes", slot.jwe(outer("jti", `"\u0069d-bramble-99"`)), nil)
		add("iss spelled with escapes", slot.jwe(outer("iss", `"https:\/\/id.example.com"`)), nil)
		for _, raw := range []string{"null", "1", "true", "[]", "{}", `["id-bramble-99"]`, `""`} {
			add("jti "+raw+" in the JWE", slot.jwe(outer("jti", raw)), open.ErrClaims)
			add("iss "+raw+" in the JWE", slot.jwe(outer("iss", raw)), open.ErrClaims)
		}

		// Absent never equals absent, nor empty empty: such JWEs would all be bound to
		// one another.
		bare := both(slot.jwe(noOuter("jti")), noJTI)
		add("no jti in the payload", noJTI, open.ErrClaims)
		add("no jti anywhere", both(noJTI, both(theirs(noOuter("jti")), ours(noOuter("jti")))), open.ErrClaims)
		add("no jti in the payload and this JWE", bare, open.ErrClaims)
		add("jti empty in the payload", visible(claim("jti", `""`)), open.ErrClaims)
		add("jti empty everywhere", both(visible(claim("jti", `""`)), both(theirs(outer("jti", `""`)), ours(outer("jti", `""`)))), open.ErrClaims)
		add("jti null everywhere", both(visible(claim("jti", "null")), both(theirs(outer("jti", "null")), ours(outer("jti", "null")))), open.ErrClaims)
		add("jti empty in the JWE, none in the payload", both(noJTI, slot.jwe(outer("jti", `""`))), open.ErrClaims)
		add("iss in no payload and no JWE", both(visible(noClaim("iss")), slot.jwe(noOuter("iss"))), open.ErrIssuer)

		// Others need not stand there, but then they must be true.
		for name, raw := range map[string][2]string{
			"sub": {`"subject-kestrel-42"`, `"subject-kestrel-43"`},
			"aud": {"[" + quoted(billing) + "," + quoted(audience) + "]", quoted(audience)},
			"exp": {seconds(600), seconds(601)}, "iat": {seconds(-10), seconds(-11)},
		} {
			add(name+" equal", slot.jwe(outer(name, raw[0])), nil)
			add(name+" different", slot.jwe(outer(name, raw[1])), open.ErrClaims)
			add(name+" null", slot.jwe(outer(name, "null")), open.ErrClaims)
		}
		add("nbf not in the payload", slot.jwe(outer("nbf", seconds(-5))), open.ErrClaims)
		add("nbf equal", both(visible(claim("nbf", seconds(-5))), slot.jwe(outer("nbf", seconds(-5)))), nil)
		add("sub empty, none in the payload", both(visible(noClaim("sub")), slot.jwe(outer("sub", `""`))), open.ErrClaims)
		add("a custom claim is not compared", slot.jwe(outer("scope", `"write"`)), nil)
		t.Run(slot.name, func(t *testing.T) { runSelective(t, rows) })
	}
}

// TestTransplanted moves JWEs between tokens that are good themselves.
func TestTransplanted(t *testing.T) {
	t.Parallel()
	victim := forgeSelective()
	victim.claims.set("jti", `"id-of-the-victim"`)
	for _, j := range victim.jwes {
		j.outer.set("jti", `"id-of-the-victim"`)
		j.claims.set("email", `"victim.larkspur@example.com"`)
	}
	good := victim.token()
	accepted(t, selectiveConfig(), good)
	lifted := jwesIn(good)
	into := func(place int) string {
		s := forgeSelective()
		s.sealed = func(jwes []string) string { jwes[place] = lifted[place]; return jsonArray(jwes) }
		return s.token()
	}
	for place := range lifted {
		for _, bend := range []func(c *anyOpen){func(*anyOpen) {}, gateway} {
			cfg := selectiveConfig()
			bend(&cfg)
			refused(t, cfg, into(place), open.ErrClaims, "larkspur", "victim")
		}
	}

	// A trusted issuer cannot adopt what another has sealed to us.
	cfg := selectiveConfig()
	cfg.Trust = append(cfg.Trust, open.Issuer{ID: otherID, Keys: publicSet(keysFor(signingSuites)...)})
	thief := forgeSelective()
	thief.claims.set("iss", quoted(otherID))
	thief.claims.set("jti", `"id-of-the-victim"`)
	for _, j := range thief.jwes {
		j.outer.set("iss", quoted(otherID))
		j.outer.set("jti", `"id-of-the-victim"`)
	}
	accepted(t, cfg, thief.token())
	thief.sealed = func([]string) string { return jsonArray(lifted) }
	refused(t, cfg, thief.token(), open.ErrClaims, "larkspur", "victim")
}

// jwesIn are the JWEs in a selective token that the forge made.
func jwesIn(token string) []string {
	payload := string(decode(strings.Split(token, ".")[1]))
	_, list, _ := strings.Cut(payload, `"sealed":[`)
	list, _, _ = strings.Cut(list, "]")
	return strings.Split(strings.ReplaceAll(list, `"`, ""), ",")
}
