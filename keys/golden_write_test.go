package keys

import (
	"os"
	"testing"
	"time"
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
	if version == "" {
		t.Skip("SEALJWT_GOLDEN names no new version")
	}
	raw := []byte("sealjwt's example KEK, no secret")
	kek, phrase := must(RawKey(raw))(t), must(Passphrase([]byte("an example passphrase, no secret")))(t)
	d := documentOf()
	at := newClock().now()
	for _, k := range []struct {
		suite Suite
		state State
	}{
		{ES256, Destroyed}, {ES256, Revoked}, {RS256, Retired}, {ES256, Active}, {EdDSA, Staged}, {PS256, Staged},
		{ECDHES, Destroyed}, {ECDHES, Revoked}, {RSAOAEP256, Retired}, {ECDHES, Active}, {ECDHESA256KW, Staged},
	} {
		r := recordOf(t, must(Generate(k.suite))(t), k.state)
		at = at.Add(time.Minute)
		r.Created = at
		d.Keys = append(d.Keys, r)
		t.Logf("{%q, %q, %q},", r.ID, r.Suite, r.State)
	}
	d.stamp(Mark{}, at, entry{what: "create"})
	d.Log[0].By = "example"
	d.stamp(d.mark(), at, entry{"import", d.Keys[0].ID})
	d.Log[1].By = "example"

	key := newRingKey()
	slots := []slot{{kek.id(), must(kek.wrap(key()))(t)}}
	write(t, version+".ring", must(sealBlob(d, slots, key))(t))
	slots = append(slots, slot{phrase.id(), must(phrase.wrap(key()))(t)})
	write(t, version+"-passphrase.ring", must(sealBlob(d, slots, key))(t))
	write(t, version+".kek", raw)
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	f := must(os.OpenFile("../testdata/rings/"+name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600))(t)
	must(f.Write(data))(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
