package canary

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
)

// Plain bytes must be found. Otherwise the search could not fail.
func TestCanariesSing(t *testing.T) {
	secret := []byte("\xf0\xe1\xd2\xc3\xb4\xa5\x96\x87\x78\x69\x5a\x4b\x3c\x2d\x1e\x0f\xe0\x91\x82\x73\x64\x55\x46\x37\x28\x19\x0a\x0b\x1c\x2d\x3e\x4f")
	var c Canaries
	c.Add(secret)
	found := func(out string) bool {
		for _, s := range c {
			if strings.Contains(out, s) {
				return true
			}
		}
		return false
	}
	type holder struct{ secret []byte }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q", "% x"} {
		if !found(fmt.Sprintf(verb, holder{secret})) {
			t.Errorf("%s is not found", verb)
		}
	}
	for name, out := range map[string]string{
		"JSON":      strings.Trim(base64.StdEncoding.EncodeToString(secret), "="),
		"base64url": base64.RawURLEncoding.EncodeToString(append([]byte("a"), secret...)),
		"number":    fmt.Sprint(new(big.Int).SetBytes(secret)),
		"no":        "",
	} {
		if found(out) != (name != "no") {
			t.Errorf("%s: found %v", name, name == "no")
		}
	}
}
