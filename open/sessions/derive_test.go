package sessions

import (
	"encoding/hex"
	"testing"
	"time"
)

func TestIdentityText(t *testing.T) {
	want := identity{"ada", "", "agent\x00", "203.0.113.0/24"}
	text := want.text()
	if got, ok := parseIdentity(text); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	for i := range text {
		if got, ok := parseIdentity(text[:i]); ok {
			t.Errorf("%d bytes of %d read as %+v", i, len(text), got)
		}
	}
	if _, ok := parseIdentity(append(text, 0)); ok {
		t.Error("a byte too many is read")
	}
	if _, ok := parseIdentity([]byte{0xff, 0xff, 0xff, 0xff, 'a'}); ok {
		t.Error("a length beyond the text is read")
	}
}

// A row that an earlier version sealed opens for ever.
func TestRowGolden(t *testing.T) {
	v := &vault{vaultBody: vaultBody{Issuer: testIssuer, Keys: []storedKey{{ID: "AAECAw", Secret: make([]byte, 32)}}}}
	if err := v.derive(); err != nil {
		t.Fatal(err)
	}
	row := Row{
		ID: ID{1, 2, 3}, Started: testStart, Seen: testStart, Expires: testStart.Add(time.Hour), Generation: 7,
		Turned: testStart.Add(1500 * time.Millisecond),
	}
	d := Device{"Ada's phone", "Mozilla/5.0", "203.0.113.0/24"}
	if err := v.current().seal(&row, testIssuer, "u-42", d); err != nil {
		t.Fatal(err)
	}
	const golden = "0ec1af751f0a5433190a84d2071a411f4c444bda4f62f6696becf17bba5278d290f353c27bab618b8db63255e61b38a68a4b50b192d238d859e4fe23f07bcec0525c648608e6f62946110eee5a90398b444a4179"
	sealed, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	row.Sealed = sealed
	if who, err := v.current().open(row, testIssuer); err != nil || who != (identity{"u-42", d.Name, d.Agent, d.Addr}) {
		t.Errorf("it opens as %+v, %v", who, err)
	}
}
