package bearer

import "net/http"

// Credentials returns the token of a request with this header, and whether it is in the cookie.
func Credentials(h http.Header, cookie string) (token string, inCookie bool, err error) {
	token, inCookie, refusal := credentials(h, cookie)
	if refusal != nil {
		err = refusal.Err
	}
	return token, inCookie, err
}

// Without returns the header that handlers see.
func Without(h http.Header, cookie string) http.Header { return without(h, cookie) }
