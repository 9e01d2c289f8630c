package bearer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/open"
)

// RequireScope lets requests through whose token has all the named scopes: words of the
// claim scope, a string in which they are separated by single spaces (RFC 8693 section 4.2,
// RFC 9068 section 2.2.3). A token without the claim, or with one of another type, has
// none. It stands inside of [Authenticator.Require]; elsewhere there is no token, and
// it answers 500.
//
// It panics if no scope is named, or one that no token can have, as
// [http.ServeMux.Handle] does for a pattern.
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
			if found == nil {
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
	raw, _ := tok.Claim("scope")
	var scope string // stays empty for null
	if err := json.Unmarshal(raw, &scope); err != nil {
		return false
	}
	has := strings.Split(scope, " ")
	for _, name := range names {
		if !slices.Contains(has, name) {
			return false
		}
	}
	return true
}

// isScope reports whether a text is a scope-token, RFC 6749 section 3.3.
func isScope(s string) bool {
	return s != "" && isQuotable(s) && !strings.Contains(s, " ")
}
