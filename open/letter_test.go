package open

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// tokenOf returns a token of these claims, as Open makes it from a text that package strict has
// accepted. The claims may differ in case only.
func tokenOf(text string) *Token {
	all, err := strict.ParseClaim([]byte(text))
	if err != nil {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	c := &claims{text: []byte(text), all: all, lists: new(fieldLists)}
	c.token.opened = func() *claims { return c }
	return &c.token
}

// account is the type for tests of single texts.
type account struct {
	Admin bool   `json:"admin"`
	Key   string `json:"key"`
	Email string
	Own   ownDecoder     `json:"own"`
	Raw   map[string]any `json:"raw"`
	Next  *account       `json:"next"`
	List  []account      `json:"list"`
	Two   [2]Link        `json:"two"`
	Named map[string]account
	Any   any    `json:"any"`
	Quote int    `json:"quote,string"`
	Never string `json:"-"`
	//lint:ignore SA5008 encoding/json reads the claim "-" into this field
	Dash string   `json:"-,"`
	Deep [][]Link `json:"deep"`
	*Link
}

// Link is embedded and refers to itself.
type Link struct {
	Rel   string            `json:"rel"`
	Links map[string]*Link  `json:"links"`
	When  time.Time         `json:"when"`
	JSON  json.RawMessage   `json:"json"`
	Of    map[int][]account `json:"of"`
}

// ownDecoder keeps its input.
type ownDecoder struct{ Admin string }

func (d *ownDecoder) UnmarshalJSON(text []byte) error {
	d.Admin = string(text)
	return nil
}

// Each text fills dst like another text, in which every member without a field of exactly that name
// is called something else.
func TestClaimsToTheLetter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, same string }{
		{`{"ADMIN":true}`, `{}`},
		{`{"Admin":true,"admin":false}`, `{}`},
		{`{"admin":true,"Admin":false}`, `{"admin":true}`},
		{` { "ADMIN" : true , "\u0061dmin" :	true }`, `{"admin":true}`},
		{`{"\u0041dmin":true,"KEY":"a","\u212aey":"b"}`, `{}`},
		{"{\"\u212aey\":\"a\",\"key\":\"b\"}", `{"key":"b"}`},
		{`{"email":"a"}`, `{}`},
		{`{"Email":"a","EMAIL":"b"}`, `{"Email":"a"}`},
		{`{"-":"a","Never":"b","never":"c","Dash":"d"}`, `{"-":"a"}`},
		{`{"quote":"7","QUOTE":"8"}`, `{"quote":"7"}`},
		{`{"next":{"next":{"Key":"a","next":{"key":"b","KEY":"c"}}}}`, `{"next":{"next":{"next":{"key":"b"}}}}`},
		{`{"NEXT":{"key":"a"},"next":null}`, `{}`},
		{`{"list":[{"Admin":true},{"admin":true},{"ADMIN":true}],"List":[]}`, `{"list":[{},{"admin":true},{}]}`},
		{`{"two":[{"REL":"a"},{"rel":"b"},{"REL":"c"}]}`, `{"two":[{},{"rel":"b"}]}`},
		{`{"Named":{"ADMIN":{"admin":true},"admin":{"ADMIN":true}}}`, `{"Named":{"ADMIN":{"admin":true},"admin":{}}}`},
		{`{"named":{"a":{"admin":true}}}`, `{}`},
		{`{"rel":"a","Rel":"b"}`, `{"rel":"a"}`},
		{`{"REL":"b"}`, `{}`},
		{`{"LINK":{"rel":"a"},"link":{"rel":"b"}}`, `{}`},
		{`{"links":{"A":{"Rel":"a","links":{"rel":{"rel":"b","REL":"c"}}}}}`, `{"links":{"A":{"links":{"rel":{"rel":"b"}}}}}`},
		{`{"of":{"1":[{"key":"a"},{"KEY":"b"}]}}`, `{"of":{"1":[{"key":"a"},{}]}}`},
		{`{"deep":[[],[{"Rel":"a"},{"rel":"b"}],null,[null]]}`, `{"deep":[[],[{},{"rel":"b"}],null,[null]]}`},
		{`{"when":"2026-01-02T03:04:05Z","WHEN":"2027-01-02T03:04:05Z"}`, `{"when":"2026-01-02T03:04:05Z"}`},
		// A type with its own decoder, and a type that is not a struct, get the text of the issuer.
		{`{"own":{"ADMIN":"a"},"OWN":{}}`, `{"own":{"ADMIN":"a"}}`},
		{`{"json":{"ADMIN":[ 1.50, "KEY"]}}`, `{"json":{"ADMIN":[ 1.50, "KEY"]}}`},
		{`{"raw":{"ADMIN":{"KEY":1}},"any":{"ADMIN":{"KEY":[]}}}`, `{"raw":{"ADMIN":{"KEY":1}},"any":{"ADMIN":{"KEY":[]}}}`},
		// In these texts a quote, a bracket or a comma ends nothing.
		{`{"x":"\\\"","y":"\\","z":"}],{[","KEY":"a","key":"\\\\\""}`, `{"key":"\\\\\""}`},
		{`{"x\"":[{"y":["\"]"]},-1.5E+3,true,false,null],"KEY":"a","key":"b"}`, `{"key":"b"}`},
		{`{"":1,",":2,",,,":3,"ke":4,"keys":5,"key ":6}`, `{}`},
	} {
		got, err := ClaimsOf[account](tokenOf(tt.text))
		want, wantErr := ClaimsOf[account](tokenOf(tt.same))
		if err != nil || wantErr != nil {
			t.Errorf("%s: %v, %v", tt.text, err, wantErr)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s fills\n%+v, want\n%+v", tt.text, got, want)
		}
		var plain account
		if err := json.Unmarshal([]byte(tt.same), &plain); err != nil || !reflect.DeepEqual(plain.withNumbers(), want.withNumbers()) {
			t.Errorf("%s: encoding/json fills\n%+v, %v, want\n%+v", tt.same, plain, err, want)
		}
	}
}

// withNumbers returns a with its numbers in one type.
func (a account) withNumbers() account {
	a.Raw, a.Any = nil, nil
	return a
}

// If no type shows a struct, encoding/json decodes into the value that dst holds.
func TestClaimsIntoWhatIsThere(t *testing.T) {
	t.Parallel()
	in := func(text string, dst any) {
		t.Helper()
		if err := tokenOf(text).Claims(dst); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	held := new(account)
	pointer := any(held)
	in(`{"any":{"ADMIN":true,"key":"a"}}`, &account{Any: held})
	in(`{"any":{"ADMIN":true,"key":"a"}}`, &account{Any: &pointer})
	in(`{"any":[{"ADMIN":true}]}`, &struct {
		Any [1]any `json:"any"`
	}{[1]any{held}})
	in(`{"any":[{"ADMIN":true}]}`, &struct {
		Any []any `json:"any"`
	}{[]any{held}[:0]})
	in(`{"ADMIN":true,"rel":"b","REL":"c"}`, &pointer)
	if held.Admin || held.Key != "a" || held.Link == nil || held.Rel != "b" {
		t.Errorf("filled %+v", held)
	}

	var itself any
	itself = &itself
	in(`{"ADMIN":{"a":1}}`, itself)
	if want := map[string]any{"ADMIN": map[string]any{"a": json.Number("1")}}; !reflect.DeepEqual(itself, want) {
		t.Errorf("an interface that held itself is %v", itself)
	}
	replaced := any(account{Key: "a"}) // it is not a pointer
	in(`{"ADMIN":true}`, &replaced)
	if want := map[string]any{"ADMIN": true}; !reflect.DeepEqual(replaced, want) {
		t.Errorf("an interface that held a struct is %v", replaced)
	}
}

// Numbers in an interface keep their digits, wherever the text stands, and beside names that fill
// no field.
func TestClaimsKeepDigits(t *testing.T) {
	t.Parallel()
	const big = "12345678901234567890.00000000000000000001e-0"
	for _, more := range []string{``, `,"ANY":1`} {
		tok := tokenOf(`{"any":` + big + `,"raw":{"a":[{"b":` + big + `}]},"n":` + big + more + `}`)
		all, err := ClaimsOf[any](tok)
		if n := all.(map[string]any)["raw"].(map[string]any)["a"].([]any)[0].(map[string]any)["b"]; err != nil || n != json.Number(big) {
			t.Errorf("any: %v, %v", n, err)
		}
		some, err := ClaimsOf[struct {
			Any any                         `json:"any"`
			Raw map[string][]map[string]any `json:"raw"`
			N   *json.Number                `json:"n"`
		}](tok)
		if n := json.Number(big); err != nil || some.Any != n || *some.N != n || some.Raw["a"][0]["b"] != n {
			t.Errorf("a struct: %v, %v", some, err)
		}
		one, err := ClaimsOf[struct {
			Any *any `json:"any"`
		}](tok)
		if err != nil || *one.Any != json.Number(big) {
			t.Errorf("a pointer: %v, %v", one, err)
		}
	}
}

// The error is the same whether or not a name of the text had to be withheld. It shows no value,
// and returns no claims.
func TestClaimsOfErrors(t *testing.T) {
	t.Parallel()
	type dst struct {
		Email string `json:"email"`
		Next  *struct {
			Admin bool  `json:"admin"`
			N     int8  `json:"n"`
			Any   []any `json:"any"`
		} `json:"next"`
	}
	for _, tt := range []struct{ text, want string }{
		{`"email":7301`, `open: the claim "email" does not fit the Go type string`},
		{`"next":{"n":7301}`, `open: the claim "next.n" does not fit the Go type int8`},
		{`"next":{"any":[7301],"admin":"7301"}`, `open: the claim "next.admin" does not fit the Go type bool`},
		{`"next":{"any":{"7301":7301}}`, `open: the claim "next.any" does not fit the Go type []interface {}`},
		{`"next":{"ANY":{"7301":7301}}`, ``},
	} {
		for _, more := range []string{``, `,"EMAIL":7301`, `,"Next":7301`} {
			got, err := ClaimsOf[dst](tokenOf(`{` + tt.text + more + `}`))
			if fmt.Sprint(err) != tt.want && (tt.want != "" || err != nil) {
				t.Errorf("%s%s: %v, want %s", tt.text, more, err, tt.want)
			}
			if err != nil && got != (dst{}) {
				t.Errorf("%s%s: %+v comes with an error", tt.text, more, got)
			}
		}
	}
	if _, err := ClaimsOf[map[string]failing](tokenOf(`{"a":"7301"}`)); err == nil || strings.Contains(err.Error(), "7301") {
		t.Errorf("a type that refuses: %v", err)
	}
}

type failing struct{}

func (*failing) UnmarshalJSON(text []byte) error { return fmt.Errorf("not %s", text) }

// A member that was withheld from one caller is still there for the next.
func TestClaimsLeaveTheToken(t *testing.T) {
	t.Parallel()
	const text = `{"ADMIN":true,"next":{"Key":"a"}}`
	tok := tokenOf(text)
	for range 2 {
		if got, err := ClaimsOf[account](tok); err != nil || got.Admin || got.Next.Key != "" {
			t.Errorf("filled %+v, %v", got, err)
		}
		if raw, err := ClaimsOf[json.RawMessage](tok); err != nil || !bytes.Equal(raw, []byte(text)) {
			t.Errorf("the claims are %s, %v", raw, err)
		}
		got, err := ClaimsOf[struct {
			Admin bool `json:"ADMIN"`
			Next  struct{ Key string }
		}](tok)
		if err != nil || !got.Admin || got.Next.Key != "" {
			t.Errorf("filled %+v, %v", got, err)
		}
	}
}
