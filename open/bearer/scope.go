package bearer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/open"
)

// RequireScope lets a request through if its token has all the named scopes, and otherwise answers
// 403 with insufficient_scope. The scopes stand in the claim scope: a string of words with spaces
// between them (RFC 8693 section 4.2, RFC 9068 section 2.2.3), or an array with one word in each
// string. In a token without scope they stand in scp, as other issuers call it. A claim of another
// type grants nothing, and neither does an element that is not a single word. RequireScope stands
// inside of [Authenticator.Require]. Elsewhere the request has no token, and RequireScope answers
// 500. It does the same when next is nil.
//
// It panics if no scope is named, or if no token can have a named scope, as [http.ServeMux.Handle]
// does for a pattern that it cannot parse.
func RequireScope(names ...string) func(http.Handler) http.Handler {
	if len(names) == 0 {
		panic("bearer: RequireScope without a name")
	}
	for _, name := range names {
		if !isScope(name) {
			panic(fmt.Sprintf("bearer: no token can have the scope %q", name))
		}
	}
	names = slices.Clone(names)
	wanted := `, scope="` + strings.Join(names, " ") + `"`
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			found := fromContext(r.Context())
			if found == nil || next == nil {
				fail(w, http.StatusInternalServerError)
				return
			}
			if !hasScopes(found.token, names) {
				found.by.answer(w, r, refuse(http.StatusForbidden, insufficientScope, ErrScope), wanted)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func hasScopes(tok *open.Token, names []string) bool {
	raw, ok := tok.Claim("scope")
	if !ok {
		raw, _ = tok.Claim("scp")
	}
	has := scopes(raw)
	for _, name := range names {
		if !slices.Contains(has, name) {
			return false
		}
	}
	return true
}

// scopes returns the words of a claim. An element with a space in it equals no name, so an
// issuer that writes several words into one element grants none of them.
func scopes(raw json.RawMessage) []string {
	var words string // stays empty for null
	if json.Unmarshal(raw, &words) == nil {
		return strings.Split(words, " ")
	}
	var elements []any // in a []string encoding/json would take null for an empty string
	if json.Unmarshal(raw, &elements) != nil {
		return nil
	}
	var has []string
	for _, element := range elements {
		word, ok := element.(string)
		if !ok {
			return nil
		}
		has = append(has, word)
	}
	return has
}

// isScope reports whether a text is a scope-token, RFC 6749 section 3.3.
func isScope(s string) bool {
	return s != "" && isQuotable(s) && !strings.Contains(s, " ")
}
