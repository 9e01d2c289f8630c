package seal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/seal"
)

// quoting has an encoder whose error quotes the value.
type quoting struct{}

func (quoting) MarshalJSON() ([]byte, error) { return nil, errors.New("cannot write secret-value") }

// twice has an encoder that writes one name twice.
type twice struct{}

func (twice) MarshalJSON() ([]byte, error) { return []byte(`{"email":"secret-value","email":2}`), nil }

func TestClaimsRefused(t *testing.T) {
	t.Parallel()
	raw := func(text string) any { return json.RawMessage(text) }
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	type row struct {
		name   string
		claims seal.Claims
		want   string // part of the error
	}
	custom := func(name string, v any, want string) row { return row{name, seal.Claims{Custom: v}, want} }
	rows := []row{
		custom("null", raw("null"), "object"),
		custom("an array", raw(`["secret-value"]`), "object"),
		custom("a string as JSON", raw(`"secret-value"`), "object"),
		custom("a number", raw("5"), "object"),
		custom("no text", raw(""), "object"),
		custom("a nil RawMessage", json.RawMessage(nil), "object"),
		custom("not JSON", raw("secret-value"), "object"),
		custom("cut off", raw(`{"email":"secret-value"`), "object"),
		custom("two objects", raw(`{"email":"secret-value"}{}`), "object"),
		custom("a comma at the end", raw(`{"email":"secret-value",}`), "object"),
		custom("a byte order mark", raw("\ufeff{}"), "object"),
		custom("a member twice", raw(`{"email":"secret-value","email":"b"}`), "duplicate"),
		custom("a member twice, one level down", raw(`{"a":{"b":[{"c":"secret-value","c":1}]}}`), "duplicate"),
		custom("a member in two cases", raw(`{"email":"secret-value","Email":"b"}`), "only in case"),
		custom("a member twice by escape", raw(`{"email":"secret-value","\u0065mail":"b"}`), "duplicate"),
		custom("invalid UTF-8", raw("{\"email\":\"secret-value\xff\"}"), "UTF-8"),
		custom("invalid UTF-8 in a name", raw("{\"secret-value\xff\":1}"), "UTF-8"),
		custom("a lone surrogate", raw(`{"email":"secret-value\ud800"}`), "surrogate"),
		custom("depth 33", raw(deep(33)), "deep"),
		custom("a number of 129 digits", raw(`{"n":`+strings.Repeat("7", 129)+`}`), "number"),
		custom("a name of 257 bytes", raw(`{"`+strings.Repeat("n", 257)+`":1}`), "name"),

		custom("a []byte", []byte(`{"email":"secret-value"}`), "json.RawMessage"),
		custom("a string", `{"email":"secret-value"}`, "json.RawMessage"),
		custom("an int", 5, "int is not a JSON object"),
		custom("a slice", []string{"secret-value"}, "[]string"),
		custom("a nil map", map[string]any(nil), "map[string]interface {}"),
		custom("a nil pointer", (*struct{ A int })(nil), "struct"),
		custom("a channel in a struct", struct{ Email chan string }{make(chan string)}, "struct"),
		custom("a function in a map", map[string]any{"secret-value": func() {}}, "map"),
		custom("a map of other keys", map[float64]string{1: "secret-value"}, "map"),
		custom("infinity", map[string]any{"a": math.Inf(1)}, "map"),
		custom("an encoder that quotes", quoting{}, "quoting"),
		custom("an encoder inside that quotes", map[string]any{"a": quoting{}}, "map"),
		custom("an encoder that repeats itself", twice{}, "duplicate"),
		custom("an encoder inside that repeats itself", map[string]any{"a": twice{}}, "duplicate"),
		custom("a RawMessage inside with a member twice", map[string]any{"a": json.RawMessage(`{"b":1,"b":2}`)}, "duplicate"),
		custom("a RawMessage inside with invalid UTF-8", map[string]any{"a": json.RawMessage("\"secret-value\xff\"")}, "UTF-8"),
		custom("a RawMessage inside that is not JSON", map[string]any{"a": json.RawMessage("secret-value")}, "map"),
		custom("a pointer to a RawMessage with a member twice", new(json.RawMessage(`{"a":"secret-value","a":1}`)), "duplicate"),
		custom("map keys that fold", map[string]any{"email": "secret-value", "EMAIL": 1}, "only in case"),
		custom("more values than an opener reads", map[string]any{"list": make([]int, 19_995)}, "too many"),

		{"invalid UTF-8 in Subject", seal.Claims{Subject: "secret-value\xff"}, "sub"},
		{"invalid UTF-8 in ID", seal.Claims{ID: "secret-value\xff"}, "jti"},
		{"nbf at exp", seal.Claims{NotBefore: clock.Add(seal.DefaultLifetime)}, "nbf"},
		{"nbf long after", seal.Claims{NotBefore: clock.Add(1e6 * time.Hour)}, "nbf"},
		{"nbf in 1970", seal.Claims{NotBefore: time.Unix(0, 0)}, "nbf"},
		{"nbf before 1970", seal.Claims{NotBefore: time.Unix(-1, 0)}, "nbf"},
		{"invalid UTF-8 in Session.ID", seal.Claims{Session: seal.Session{ID: "secret-value\xff", NotAfter: clock.Add(time.Hour)}}, "sid"},
		{"a Session without NotAfter", seal.Claims{Session: seal.Session{ID: "secret-value"}}, "no NotAfter"},
		{"a Session without ID", seal.Claims{Session: seal.Session{NotAfter: clock.Add(time.Hour)}}, "no ID"},
	}
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sealed", "sid"} {
		for _, spelled := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], `\u00` + fmt.Sprintf("%02x", name[0]) + name[1:]} {
			rows = append(rows, custom("the name "+spelled, raw(`{"a":1,"`+spelled+`":"secret-value"}`), name))
		}
		if strings.Contains(name, "s") {
			long := strings.ReplaceAll(name, "s", "\u017f")
			rows = append(rows, custom("the name "+long, raw(`{"`+long+`":"secret-value"}`), name),
				custom("the name "+long+" in a map", map[string]any{long: "secret-value"}, name))
		}
	}
	rows = append(rows,
		custom("a reserved name in a map", map[string]any{"EXP": 9}, "exp"),
		custom("a reserved name in a struct", struct {
			Sealed []string `json:"sealed"`
		}{}, "sealed"),
		custom("a reserved name, null", raw(`{"nbf":null}`), "nbf"))
	s := newSealer(t, defaults().config())
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			token, err := s.Seal(t.Context(), r.claims)
			if token != "" || !errors.Is(err, seal.ErrClaims) {
				t.Fatalf("%q, %v", token, err)
			}
			if !strings.Contains(err.Error(), r.want) {
				t.Errorf("error %q does not say %q", err, r.want)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "secret-value") {
				t.Errorf("error holds a value: %s", text)
			}
		})
	}
}

// Claims that are too large are refused before any signature or encryption.
func TestHugeClaims(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 10<<20)
	for name, custom := range map[string]any{
		"RawMessage": json.RawMessage(`{"a":"` + huge + `"}`),
		"map":        map[string]string{"a": huge},
	} {
		token, err := newSealer(t, defaults().config()).Seal(t.Context(), seal.Claims{Custom: custom})
		if token != "" || !errors.Is(err, seal.ErrTooLarge) || !strings.Contains(err.Error(), "bytes of claims") {
			t.Errorf("%s: %d bytes, %.300v", name, len(token), err)
		}
	}
	if token, err := newSealer(t, defaults().config()).Seal(t.Context(), seal.Claims{Subject: huge}); token != "" || !errors.Is(err, seal.ErrTooLarge) {
		t.Errorf("Subject: %d bytes, %.300v", len(token), err)
	}
}

func TestClaimsKept(t *testing.T) {
	t.Parallel()
	p := defaults()
	type profile struct {
		Email  string          `json:"email"`
		Weight json.Number     `json:"weight"`
		Raw    json.RawMessage `json:"raw"`
		Hidden string          `json:"-"`
		Empty  string          `json:"empty,omitempty"`
	}
	value := profile{Email: "a&b<c>@example.com", Weight: "84.50", Raw: json.RawMessage(`{ "x" : 1.0 }`), Hidden: "h"}
	for _, tt := range []struct {
		custom any
		want   string
	}{
		{nil, "}"},
		{json.RawMessage("{}"), "}"},
		{json.RawMessage(" { } "), "}"},
		{map[string]any{}, "}"},
		{struct{}{}, "}"},
		{value, `,"email":"a&b<c>@example.com","weight":84.50,"raw":{"x":1.0}}`},
		{&value, `,"email":"a&b<c>@example.com","weight":84.50,"raw":{"x":1.0}}`},
		{map[string]any{"b": 1, "a": []any{nil, true, "é"}}, `,"a":[null,true,"é"],"b":1}`},
		{json.RawMessage(`{"n":[1.0,1e5,1E+5,12345678901234567890,-0,0.10],"a":"\u00e9\/<"}`), `,"n":[1.0,1e5,1E+5,12345678901234567890,-0,0.10],"a":"\u00e9\/<"}`},
		{json.RawMessage(`{"z":1,"address":{"sub":"inside is fine","exp":null}}`), `,"z":1,"address":{"sub":"inside is fine","exp":null}}`},
		{json.RawMessage(`{"rights":{"aB3xQ":1,"ab3xq":{"A":2,"a":3}}}`), `,"rights":{"aB3xQ":1,"ab3xq":{"A":2,"a":3}}}`},
		{json.RawMessage(`{"issx":1,"xaud":2,"":3," exp":4}`), `,"issx":1,"xaud":2,"":3," exp":4}`},
		{json.RawMessage("{\"sep\":\"\u2028\u2029\"}"), ",\"sep\":\"\u2028\u2029\"}"},
		{json.RawMessage(`{"emoji":"\ud83d\ude00😀"}`), `,"emoji":"\ud83d\ude00😀"}`},
	} {
		if got := p.custom(t, seal.Claims{Custom: tt.custom}); got != tt.want {
			t.Errorf("%T: %s, want %s", tt.custom, got, tt.want)
		}
	}
}

func TestNotBefore(t *testing.T) {
	t.Parallel()
	p := defaults()
	for _, at := range []time.Time{clock.Add(-time.Hour), clock, clock.Add(59 * time.Second), time.Unix(1, 0)} {
		tok := p.open(t, p.seal(t, seal.Claims{NotBefore: at}))
		if tok.NotBefore().Unix() != at.Unix() {
			t.Errorf("nbf is %v, want %v", tok.NotBefore(), at)
		}
	}
	if tok := p.open(t, p.seal(t, seal.Claims{})); !tok.NotBefore().IsZero() {
		t.Errorf("nbf is %v and was not asked for", tok.NotBefore())
	}
	// This is the last second before the token expires.
	last := seal.Claims{NotBefore: clock.Add(seal.DefaultLifetime - time.Second)}
	if _, err := newSealer(t, p.config()).Seal(t.Context(), last); err != nil {
		t.Error(err)
	}
}
