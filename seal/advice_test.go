package seal_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/seal"
)

// An advice that names a field of the configuration uses the caller's name for it.
func TestAdviceInOtherWords(t *testing.T) {
	t.Parallel()
	d := newDesks()
	show := func(names ...string) func(c *anySeal) { return func(c *anySeal) { c.Visible = names } }
	for _, tt := range []struct {
		bend   func(c *anySeal)
		claims string
		want   string
	}{
		{show("phone"), person, `<Visible> names "phone" (phone number): seal it, or name it in <AllowReadable> too`},
		{show(mail), person, `the name at 0 in <Visible> is personal data itself (e-mail address)`},
		{func(c *anySeal) { c.Issuer = "mailto:" + mail }, person, `iss looks like personal data (e-mail address): use another value, or name it in <AllowReadable>`},
		{show("note"), `{"email":1,"address":1,"national_id":1,"note":"ada@example.com"}`,
			`the claim note (e-mail address) is visible: seal it, or name note in <AllowReadable>`},
		{func(c *anySeal) { c.Recipients[0].Reads = []string{"emial", "address"} }, person,
			`"emial" is to be sealed to recipient 1 ("https://billing.example.com") and is not there: correct <Reads>, or give the claim as null`},
		{nil, `{"email":1,"address":1,"national_id":1,"phone":1}`, `"phone" is neither visible nor sealed to a recipient: name it in <Visible>, or in <Reads>`},
		{nil, `{"email":1,"address":1,"national_id":1,"cnf":{}}`, `"cnf" cannot be sealed in a selective token: name it in <Visible>`},
	} {
		cfg := d.config()
		if tt.bend != nil {
			tt.bend(&cfg)
		}
		s, err := newAny(cfg)
		if err == nil {
			_, err = s.Seal(t.Context(), seal.Claims{Custom: json.RawMessage(tt.claims)})
		}
		advice, ok := errors.AsType[*seal.AdviceError](err)
		if !ok {
			t.Errorf("%v is no AdviceError, want %s", err, tt.want)
			continue
		}
		if got := advice.Text(func(field string) string { return "<" + field + ">" }); !strings.HasSuffix(got, ": "+tt.want) {
			t.Errorf("%s, want %s", got, tt.want)
		}
		if plain := strings.NewReplacer("<", "", ">", "").Replace(tt.want); !strings.HasSuffix(err.Error(), plain) {
			t.Errorf("%s, want %s", err, plain)
		}
	}
}
