package keyring

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/internal/jwk"
	"github.com/sealjwt/sealjwt/keys/internal/tombstone"
)

// TestWriteGoldenRings writes rings of the present version, for the day on which
// there is a new format:
//
//	SEALJWT_GOLDEN=v2 go test -v -run TestWriteGoldenRings ./keys
//
// It prints the table that goes into the test. The rings that are there already
// are promises: they are never written again.
func TestWriteGoldenRings(t *testing.T) {
	version := os.Getenv("SEALJWT_GOLDEN")
	if version == "" || strings.Contains(version, "-") {
		t.Skip("SEALJWT_GOLDEN names no new version")
	}
	raw := []byte("sealjwt's example KEK, no secret")
	kek, phrase := must(NewKEK(raw))(t), must(PassphraseKEK([]byte("an example passphrase, no secret")))(t)
	d := documentOf()
	at := newClock().now()
	for _, k := range []struct {
		suite keys.Suite
		state State
	}{
		{keys.ES256, Destroyed}, {keys.ES256, Revoked}, {keys.RS256, Retired}, {keys.ES256, Active}, {keys.EdDSA, Staged}, {keys.PS256, Staged},
		{keys.ECDHES, Destroyed}, {keys.ECDHES, Revoked}, {keys.RSAOAEP256, Retired}, {keys.ECDHES, Active}, {keys.ECDHESA256KW, Staged},
	} {
		r := recordOf(t, parsed(t, must(jwk.Generate(k.suite.String()))(t), keys.Hint{Suite: k.suite}), k.state)
		at = at.Add(time.Minute)
		if r.Created = at; len(r.JWK) != 0 {
			r.Windows = d.Policy.Figures
		}
		d.Keys = append(d.Keys, r)
		t.Logf("{%q, %q, %q},", r.ID, r.Suite, r.State)
	}
	for i, suite := range []keys.Suite{keys.ES256, keys.ES256, keys.ECDHES, keys.ECDHES, keys.ES256, keys.ECDHES} {
		k, state := generated(t, suite), []State{Destroyed, Revoked}[i%2]
		if i >= 4 {
			k = withID(t, k, "imported-"+string(k.Use()))
		}
		o := tombstone.Tombstone{KeyID: k.ID(), Use: k.Use(), Revoked: state == Revoked}
		if i >= 4 {
			o.Thumbprint = k.Thumbprint()
		}
		d.Ended.Add(o)
		t.Logf("{%q, %q, %q},", k.ID(), "", state)
	}
	for i := range d.Keys {
		if r := &d.Keys[i]; r.State == Retired || r.ID == d.find(r.Use, Active).ID {
			r.Due = at // this is the record of a look
		}
	}
	d.Former = d.Former.Add(d.Policy.Figures, at)
	d.Former[0].Due = at
	d.stamp(Checkpoint{}, at, logEntry{what: "create"})
	d.Log[0].By = "example"
	d.stamp(d.checkpoint(), at, logEntry{"import", d.Keys[0].ID})
	d.Log[1].By = "example"

	key := newRingKey()
	slots := []slot{{KEK: kek.ID(), JWE: wrapJWE(kek, key())(t)}}
	slots[0].Wrapped = "what a KMS made, any text"
	write(t, version+".ring", must(sealBlob(d, slots, key))(t))
	slots[0].Wrapped = ""
	slots = append(slots, slot{KEK: phrase.ID(), JWE: wrapJWE(phrase, key())(t)})
	write(t, version+"-passphrase.ring", must(sealBlob(d, slots, key))(t))
	write(t, version+".kek", raw)
}

// TestWriteGoldenSuites writes a ring with the suites that the golden rings of its format
// lack, one of them in the policy, for the same KEK:
//
//	SEALJWT_GOLDEN=v2-suites go test -v -run TestWriteGoldenSuites ./keys/keyring
func TestWriteGoldenSuites(t *testing.T) {
	name := os.Getenv("SEALJWT_GOLDEN")
	if !strings.HasSuffix(name, "-suites") {
		t.Skip("SEALJWT_GOLDEN names no new ring of suites")
	}
	d, at := documentOf(), newClock().now()
	d.Policy = newPolicyDocument(Policy{Enc: UsePolicy{Suites: []keys.Suite{keys.RSAOAEP}}}.withDefaults())
	for _, k := range []struct {
		suite keys.Suite
		state State
	}{{keys.ES256, Active}, {keys.ECDHESX25519, Retired}, {keys.RSAOAEP, Active}, {keys.ECDHESA256KWX25519, Staged}} {
		r := recordOf(t, parsed(t, must(jwk.Generate(k.suite.String()))(t), keys.Hint{Suite: k.suite}), k.state)
		at = at.Add(time.Minute)
		r.Created, r.Windows = at, d.Policy.Figures
		d.Keys = append(d.Keys, r)
		t.Logf("{%q, %q, %q},", r.ID, r.Suite, r.State)
	}
	d.stamp(Checkpoint{}, at, logEntry{what: "create"})
	d.Log[0].By = "example"
	kek, key := must(NewKEK([]byte("sealjwt's example KEK, no secret")))(t), newRingKey()
	write(t, name+".ring", must(sealBlob(d, []slot{{KEK: kek.ID(), JWE: wrapJWE(kek, key())(t)}}, key))(t))
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	f := must(os.OpenFile("../../testdata/rings/"+name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600))(t)
	must(f.Write(data))(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
