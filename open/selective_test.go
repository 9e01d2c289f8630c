package open_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open"
)

// TestSealed has JWEs after and beside correct ones, and other spellings of the array.
func TestSealed(t *testing.T) {
	t.Parallel()
	behind := func(raw string) func(s *selective) {
		return func(s *selective) {
			s.List = func(jwes []string) string { return strings.TrimSuffix(jsonArray(jwes), "]") + "," + raw + "]" }
		}
	}
	spelled := func(format func(theirs, ours string) string) func(s *selective) {
		return func(s *selective) { s.List = func(jwes []string) string { return format(jwes[0], jwes[1]) } }
	}
	runSelective(t, []selectiveRow{
		{"missing, for a gateway", sealedAs(""), gateway, open.ErrType},
		{"missing, and expired", both(sealedAs(""), visible(noClaim("exp"))), nil, open.ErrType},
		{"an empty array, for a gateway", sealedAs("[]"), gateway, open.ErrClaims},
		{"and in other letters", visible(claim("Sealed", "[]")), nil, open.ErrMalformed},
		{"a number in it", behind("1"), nil, open.ErrClaims},
		{"a signed token in it", behind(quoted(forgeNested().JWS())), nil, open.ErrMalformed},
		{"a selective token in it", behind(quoted(forgeSelective().Token())), nil, open.ErrMalformed},
		{"a nested token in it", behind(quoted(forgeNested().Token())), nil, open.ErrType},
		{"another's only, for a gateway", spelled(func(theirs, _ string) string { return jsonArray([]string{theirs}) }), gateway, nil},
		{"ours first", spelled(func(theirs, ours string) string { return jsonArray([]string{ours, theirs}) }), nil, nil},
		{"white space", spelled(func(theirs, ours string) string { return " [ " + quoted(theirs) + " ,\n" + quoted(ours) + "\t] " }), nil, nil},
		{"escapes", spelled(func(theirs, ours string) string { return `["\u0065` + theirs[1:] + `",` + quoted(ours) + "]" }), nil, nil},
		{"aud another's, for a gateway", visible(claim("aud", quoted(billing))), gateway, open.ErrAudience},
		{"expired, for a gateway", visible(claim("exp", seconds(-100))), gateway, open.ErrExpired},
		{"cnf in clear", visible(claim("cnf", `{"jkt":"AAAA"}`)), nil, nil},
		{"kid missing in the signed token, and that is allowed", visible(noInnerKid), func(c *anyOpen) { c.Allow(open.KeyID) }, nil},
	})
}

// The number of recipients, and our place among them, do not matter.
func TestSealedForMany(t *testing.T) {
	t.Parallel()
	const others = 20
	for _, place := range []int{0, 7, others} {
		s := forgeSelective()
		mine := s.Ours()
		s.JWEs = nil
		for i := range others + 1 {
			if i == place {
				s.JWEs = append(s.JWEs, mine)
				continue
			}
			j := forgeSealed(billingKey())
			j.Outer.Set("kid", quoted(fmt.Sprint("other-", i)))
			s.JWEs = append(s.JWEs, j)
		}
		if tok := accepted(t, selectiveConfig(), s.Token()); tok.SealedForOthers() != others || len(tok.SealedNames()) != 3 {
			t.Errorf("at %d: %d for others, %q", place, tok.SealedForOthers(), tok.SealedNames())
		}
	}
}
