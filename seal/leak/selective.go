package leak

import (
	"encoding/json"
	"strings"
)

// A selective token has sealed claims: JWEs for one recipient each.

// sealedTo returns the number of JWEs in the claim sealed of a selective token. If the claim holds
// anything else, it is a claim like others, and the number is 0.
func sealedTo(claims []Member) int {
	n := 0
	for i := range claims {
		if claims[i].Name != "sealed" {
			continue
		}
		var items []string
		if json.Unmarshal(claims[i].Value, &items) != nil {
			return 0
		}
		for _, item := range items {
			if !isJWE(item) {
				return 0
			}
		}
		n += len(items)
	}
	return n
}

func isJWE(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != partsJWE {
		return false
	}
	header, _ := decode(nil, parts[0])
	encrypted, ok := isHeader(header)
	return ok && encrypted && tokenLength([]byte(token), len(parts[0]), true) == len(token)
}

// bind notes of each JWE in a selective token whether it names iss and jti of that token. Package
// open refuses a JWE that does not: an attacker may have moved it there from another token.
func (r *reading) bind() {
	for i := range r.u.Layers {
		outer := &r.u.Layers[i]
		if outer.Form != JWS || outer.SealedTo == 0 {
			continue
		}
		for j := i + 1; j < len(r.u.Layers); j++ {
			inner := &r.u.Layers[j]
			if inner.Form == JWE && strings.HasPrefix(inner.Where, outer.Where+" claim sealed[") {
				bound := sameText(outer.Claims, inner.Header, "iss") && sameText(outer.Claims, inner.Header, "jti")
				inner.Bound = &bound
			}
		}
	}
}

// sameText reports whether a member is there once in both lists and is the same string: absent
// never equals absent.
func sameText(a, b []Member, name string) bool {
	x, okX := only(a, name)
	y, okY := only(b, name)
	return okX && okY && x == y
}

func only(list []Member, name string) (text string, ok bool) {
	n := 0
	for i := range list {
		if list[i].Name == name {
			n++
			ok = json.Unmarshal(list[i].Value, &text) == nil && list[i].Value[0] == '"'
		}
	}
	return text, ok && n == 1
}
