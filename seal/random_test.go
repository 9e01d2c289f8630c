package seal_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/sealjwt/sealjwt/keys"
)

// random makes claims that do not occur by chance. All names and strings hold at least leastRandom
// random characters, and all numbers 15 random digits.
type random struct{ *rand.Rand }

func pick[T any](r random, from []T) T { return from[r.IntN(len(from))] }

// proofSigners and proofRecipients return sets of one key, two sets for most suites.
var proofSigners = sync.OnceValue(func() []*keys.Set {
	return []*keys.Set{newSet(keys.ES256), newSet(keys.EdDSA), newSet(keys.RS256), newSet(keys.PS256)}
})

var proofRecipients = sync.OnceValue(func() []*keys.Set {
	return []*keys.Set{
		newSet(keys.ECDHES), newSet(keys.ECDHES), newSet(keys.ECDHESA256KW), newSet(keys.ECDHESA256KW), newSet(keys.RSAOAEP256),
	}
})

// two returns two different sets.
func (r random) two(from []*keys.Set) []*keys.Set {
	order := r.Perm(len(from))
	return []*keys.Set{from[order[0]], from[order[1]]}
}

const plainLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// plain returns a string of letters and digits.
func (r random) plain() string { return r.of([]rune(plainLetters), leastRandom+r.IntN(12)) }

func (r random) of(alphabet []rune, length int) string {
	text := make([]rune, length)
	for i := range text {
		text[i] = pick(r, alphabet)
	}
	return string(text)
}

// alphabets have the letters of names and addresses, and the characters that JSON, HTML, URLs and
// Base64 escape.
var alphabets = [][]rune{
	[]rune(plainLetters),
	[]rune("가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허고노도로모보소오조초코토포호"),
	[]rune("áàâäãåæçéèêëíìîïñóòôöõøúùûüýÿđłþžščřďťňőűąęśźż "),
	[]rune("😀😁😂🤣😃😄😅😆😉😊😋😎😍😘🥰😗😙😚🙂🤗🤩🤔🤨😐😑😶🙄😏😣😥😮🤐"),
	[]rune("abcdefghijklmnopqrstuvwxyz\"\\/\b\f\n\r\t\x00\x1f\x7f<>&'%+=-_.~\u2028\u2029\ufffd"),
}

func (r random) text(most int) string {
	return r.of(pick(r, alphabets), leastRandom+r.IntN(most-leastRandom+1))
}

// claim is a member with one spelling of its value, and the secrets in it.
type claim struct {
	name, value string
	secrets     []string
}

func (r random) claims() []claim {
	all := make([]claim, 1+r.IntN(6))
	for i := range all {
		c := &all[i]
		c.name = r.text(20)
		c.secrets = []string{c.name}
		c.value = r.value(3, &c.secrets)
	}
	return all
}

func object(claims []claim) json.RawMessage {
	var members []string
	for _, c := range claims {
		members = append(members, string(must(json.Marshal(c.name)))+" : "+c.value)
	}
	return json.RawMessage(" { " + strings.Join(members, " ,\n") + "}\t")
}

func (r random) value(depth int, secrets *[]string) string {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch r.IntN(kinds) {
	case 0:
		return pick(r, []string{"true", "false", "null", `""`, "{}", "[]", "0"}) // a value without a secret
	case 1:
		return r.number(secrets)
	case 2, 3:
		most := 24
		if r.IntN(8) == 0 {
			most = 1200
		}
		text := r.text(most)
		*secrets = append(*secrets, text)
		return r.spell(text)
	case 4:
		items := make([]string, 1+r.IntN(3))
		for i := range items {
			items[i] = r.value(depth-1, secrets)
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	members := make([]string, 1+r.IntN(3))
	for i := range members {
		name := r.text(20)
		*secrets = append(*secrets, name)
		members[i] = r.spell(name) + ":" + r.value(depth-1, secrets)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// number returns a number with 15 digits in any notation of JSON.
func (r random) number(secrets *[]string) string {
	digits := fmt.Sprint(1e14 + r.Uint64N(9e13)*10 + 1 + r.Uint64N(9))
	*secrets = append(*secrets, digits)
	text := pick(r, []string{
		digits, "-" + digits, digits + ".0", "0." + digits, digits[:1] + "." + digits[1:] + "E+14",
		digits + "e3", digits + "00", "-0.000" + digits + "00e-0", digits + "E0",
	})
	*secrets = append(*secrets, text)
	return text
}

// spell returns a JSON string in which some characters are escaped.
func (r random) spell(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch r.IntN(6) {
		case 0:
			b.WriteString(escapedJSON(string(c)))
		default:
			quoted := must(json.Marshal(string(c)))
			b.Write(quoted[1 : len(quoted)-1])
		}
	}
	return `"` + b.String() + `"`
}
