package ringv1

import (
	"strings"
	"testing"
)

const (
	figures = `"token_lifetime":"1h0m0s","leeway":"1m0s","clock_skew":"1m0s","cache_age":"24h0m0s","publish_lag":"1m0s","snapshot_age":"1h0m0s"`
	before  = `{"v":1,"generation":7,"nonce":"n","slots":"s","history":[{"generation":6,"nonce":"m"}],` +
		`"policy":{` + figures + `,"max_age":"5m0s","sig":{"alg":"ES256","period":"720h0m0s"},"enc":`
	after = `,"former":[{` + figures + `,"until":"2026-01-01T00:00:00Z"}],"keys":[{"kid":"k"}],"log":[{"what":"create"}]}`

	one  = `{"alg":"ECDH-ES","period":"2160h0m0s"}}`
	list = `{"algs":["ECDH-ES"],"period":"2160h0m0s"}}`
)

// An upgrade keeps every member, apart from the suite of encryption.
func TestUpgrade(t *testing.T) {
	if got, err := Upgrade([]byte(before + one + after)); err != nil || string(got) != before+list+after {
		t.Errorf("%s, %v, want %s", got, err, before+list+after)
	}
	// A ring that never changed has neither a history nor a log.
	first := `{"v":1,"generation":1,"nonce":"n","slots":"s","policy":{` + figures + `,"max_age":"5m0s","sig":{"alg":"ES256","period":"720h0m0s"},"enc":`
	if got, err := Upgrade([]byte(first + one + `,"keys":null}`)); err != nil || string(got) != first+list+`,"keys":null}` {
		t.Errorf("%s, %v", got, err)
	}
}

// The next write would lose a member that this package does not know.
func TestUpgradeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"identity":               `{"ring":"AAAAAAAAAAAAAAAAAAAAAA",` + (before + one + after)[1:],
		"tombstones":             strings.TrimSuffix(before+one+after, "}") + `,"ended":{}}`,
		"another member":         strings.TrimSuffix(before+one+after, "}") + `,"more":1}`,
		"list of suites":         before + list + after,
		"both":                   before + `{"alg":"ECDH-ES","algs":["ECDH-ES"],"period":"2160h0m0s"}}` + after,
		"another figure":         strings.Replace(before, `"max_age"`, `"min_age":"1m0s","max_age"`, 1) + one + after,
		"suite that is no text":  before + `{"alg":1,"period":"2160h0m0s"}}` + after,
		"period that is no text": before + `{"alg":"ECDH-ES","period":1}}` + after,
		"figure that is no text": strings.Replace(before, `"1h0m0s"`, `1`, 1) + one + after,
		"half a document":        before + one,
		"no object":              `[]`,
	} {
		if got, err := Upgrade([]byte(text)); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}
