package bearer

import (
	"net/http"
	"strings"
)

// credentials returns the only token of a request. cookie is the name of the cookie in
// which it may stand, empty for none.
func credentials(h http.Header, cookie string) (token string, inCookie bool, refusal *Refusal) {
	fields := h["Authorization"]
	var cookies []string
	if cookie != "" {
		cookies, _ = splitCookies(h["Cookie"], cookie)
	}
	switch {
	case len(fields)+len(cookies) == 0:
		return "", false, refuse(http.StatusUnauthorized, "", ErrNoCredentials)
	case len(fields)+len(cookies) > 1:
		return "", false, refuse(http.StatusBadRequest, invalidRequest, ErrMultipleTokens)
	case len(cookies) == 1:
		token, inCookie = cookies[0], true
	default:
		scheme, rest, _ := strings.Cut(fields[0], " ")
		if !isToken(scheme) {
			return "", false, refuse(http.StatusBadRequest, invalidRequest, ErrMalformed)
		}
		if !strings.EqualFold(scheme, "Bearer") {
			return "", false, refuse(http.StatusUnauthorized, "", ErrNoCredentials)
		}
		token = strings.TrimLeft(rest, " ") // credentials = "Bearer" 1*SP b64token
	}
	if !isB64Token(token) {
		return "", false, refuse(http.StatusBadRequest, invalidRequest, ErrMalformed)
	}
	return token, inCookie, nil
}

// isB64Token reports whether a text is a b64token, RFC 6750 section 2.1:
//
//	1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
func isB64Token(s string) bool {
	s = strings.TrimRight(s, "=")
	for _, c := range []byte(s) {
		if !inB64Token[c] {
			return false
		}
	}
	return s != ""
}

// inB64Token tells which bytes a b64token may have, except the padding. It is a table, because
// comparing each byte with ranges would take longer than opening a cached token.
var inB64Token = func() (in [256]bool) {
	for c := range in {
		in[c] = isAlphanumeric(byte(c)) || strings.IndexByte("-._~+/", byte(c)) >= 0
	}
	return in
}()

// splitCookies returns the values of the cookies of one name in Cookie fields, RFC 6265 section
// 4.2.1, and the fields without these cookies. http.Request.Cookies drops cookies with a malformed
// value, so a client could hide one of two tokens from it.
func splitCookies(fields []string, name string) (values, others []string) {
	const space = " \t"
	for _, field := range fields {
		var kept []string
		for pair := range strings.SplitSeq(field, ";") {
			pair = strings.TrimLeft(pair, space)
			n, value, _ := strings.Cut(pair, "=")
			// A name with spaces behind it counts as this cookie, because other readers of the
			// header ignore the spaces. The value is not trimmed.
			if strings.TrimRight(n, space) == name {
				values = append(values, value)
			} else if pair != "" {
				kept = append(kept, pair)
			}
		}
		if len(kept) > 0 {
			others = append(others, strings.Join(kept, "; "))
		}
	}
	return values, others
}

// without returns a copy of a header without the Authorization field and the cookie.
func without(h http.Header, cookie string) http.Header {
	h = h.Clone()
	delete(h, "Authorization")
	if cookie == "" || len(h["Cookie"]) == 0 {
		return h
	}
	if _, others := splitCookies(h["Cookie"], cookie); len(others) > 0 {
		h["Cookie"] = others
	} else {
		delete(h, "Cookie")
	}
	return h
}
