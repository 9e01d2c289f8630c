package strict_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// benchTexts returns claims sets of a length, in the shapes that make one long: one long string,
// one array of short strings, and one object of short members.
func benchTexts(size int) map[string][]byte {
	const head = `{"iss":"https://issuer.example.com","sub":"u-42","aud":"https://api.example.com","iat":1767225600,"nbf":1767225600,` +
		`"exp":1767229200,"jti":"yQb5C0iXz3l0sJ8m5Tn0Wg","email":"ada@example.com",`
	fill := func(open, shut string, item func(i int) string) []byte {
		text := head + open
		for i := 0; ; i++ {
			next := item(i)
			if len(text)+len(next)+len(shut) > size {
				break
			}
			text += next
		}
		return []byte(strings.TrimSuffix(text, ",") + shut)
	}
	return map[string][]byte{
		"string": []byte(head + `"note":"` + strings.Repeat("n", max(0, size-len(head)-len(`"note":""}`))) + `"}`),
		"latin":  fill(`"note":"`, `"}`, func(int) string { return "naïve café über " }),
		"array":  fill(`"groups":[`, `]}`, func(i int) string { return fmt.Sprintf(`"department-%04d.reader",`, i) }),
		"object": fill(`"groups":{`, `}}`, func(i int) string { return fmt.Sprintf(`"department-%04d":"reader",`, i) }),
	}
}

func BenchmarkParseObject(b *testing.B) {
	run := func(name string, text []byte) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := strict.ParseObject(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("header", []byte(`{"alg":"ECDH-ES","enc":"A128GCM","kid":"sealing-key-0001","typ":"JWT","cty":"JWT"}`))
	run("claims", claims)
	for _, size := range []int{512, 4 << 10, 64 << 10} {
		for _, shape := range []string{"string", "latin", "array", "object"} {
			run(fmt.Sprintf("%s/%d", shape, size), benchTexts(size)[shape])
		}
	}
}

func BenchmarkRead(b *testing.B) {
	o := mustParse(b, string(claims))
	b.ReportAllocs()
	for b.Loop() {
		o.Text("iss")
		o.Strings("aud")
		o.NumericDate("exp")
	}
}

func BenchmarkNumericDate(b *testing.B) {
	o := mustParse(b, string(claims))
	b.ReportAllocs()
	for b.Loop() {
		o.NumericDate("exp")
	}
}

func BenchmarkInOtherLetters(b *testing.B) {
	o := mustParse(b, string(claims))
	names := []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sealed", "cnf"}
	b.ReportAllocs()
	for b.Loop() {
		o.FoldedTwin(names)
	}
}

func BenchmarkAppendMember(b *testing.B) {
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		strict.AppendMember(append(dst, '{'), "phone_number", json.RawMessage("1"))
	}
}

func BenchmarkDecodeBase64URL(b *testing.B) {
	for _, size := range []int{16, 700, 64 << 10} {
		text := strict.EncodeBase64URL(bytes.Repeat([]byte{0xfb, 7, 99}, size/3))
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := strict.DecodeBase64URL(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// encoding/json does the same work here, for comparison.
func BenchmarkEncodingJSON(b *testing.B) {
	b.SetBytes(int64(len(claims)))
	b.ReportAllocs()
	for b.Loop() {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(claims, &m); err != nil {
			b.Fatal(err)
		}
	}
}
