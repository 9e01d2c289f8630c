package pii_test

import (
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/pii"
)

func parse(t testing.TB, text string) strict.Object {
	t.Helper()
	o, err := strict.ParseClaims([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

// summary writes findings in the notation of objects.txt.
func summary(found []pii.Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, f.Path+": "+string(f.Kind))
	}
	return strings.Join(all, ", ")
}

func TestObjects(t *testing.T) {
	for _, line := range lines(t, "objects.txt") {
		want, text, _ := strings.Cut(strings.ReplaceAll(line, "ey{}J", "eyJ"), "\t")
		found := pii.InObject(parse(t, text))
		if got := summary(found); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// Claim returns the name unchanged unless it is personal data, whatever Path writes.
func TestClaim(t *testing.T) {
	o := parse(t, `{"a b":{"email":1},"역할":{"x":"ada@example.com"},"ada@example.com":{"x":"bob@example.com"}}`)
	want := []string{"a b", "역할", pii.RedactedName}
	for i, f := range pii.InObject(o) {
		if f.Claim != want[i] {
			t.Errorf("claim %q, want %q", f.Claim, want[i])
		}
	}
}

// A nil Place is the outermost object, and the places in it have paths.
func TestNilPlace(t *testing.T) {
	var top *pii.Place
	at, kind, _ := top.Member("email")
	if f := at.Finding(kind); f != (pii.Finding{Claim: "email", Path: "email", Kind: pii.Email}) {
		t.Errorf("%+v", f)
	}
	if element := top.Element(1); element.Path() != "[1]" {
		t.Errorf("%q", element.Path())
	}
}

// No finding holds a value, or a name that is personal data. Every text of hit.txt is tried as a
// value, as a name and as a nested name.
func TestFindingsHoldNoValue(t *testing.T) {
	for _, line := range texts(t, "hit.txt") {
		kind, text, _ := strings.Cut(line, "\t")
		q := quote(t, text)
		name := q
		if len(text) > strict.MaxName {
			name = `"long"`
		}
		found := pii.InObject(parse(t, `{"v":[{"w":`+q+`}],`+name+`:`+q+`,"m":{`+name+`:{"x":`+q+`}}}`))
		if len(found) != 3 {
			t.Fatalf("%q: %d findings", text, len(found))
		}
		for _, f := range found {
			if strings.Contains(f.Claim, text) || strings.Contains(f.Path, text) || string(f.Kind) != kind {
				t.Errorf("%q shows in %q", text, f)
			}
		}
	}
}

// The claims files have real shapes.
func TestClaimsFiles(t *testing.T) {
	for file, want := range map[string]string{
		"small.json": "email: e-mail address, name: name",
		"korean.json": "name: name, family_name: name, given_name: name, nickname: name, preferred_username: user name, " +
			"email: e-mail address, gender: gender, birthdate: date of birth, zoneinfo: language or time zone, " +
			"locale: language or time zone, phone_number: phone number, national_id: national id, " +
			"address: postal address, bank_account: bank account",
		"health.json": "name: name, birthdate: date of birth, email: e-mail address, phone_number: phone number, " +
			"patient_number: sensitive data, blood_type: sensitive data, diagnoses: sensitive data, " +
			"emergency_contact.name: name, emergency_contact.phone_number: phone number",
		"userinfo.json": "name: name, given_name: name, middle_name: name, family_name: name, nickname: name, " +
			"preferred_username: user name, profile: web page, picture: picture, website: web page, " +
			"email: e-mail address, gender: gender, birthdate: date of birth, zoneinfo: language or time zone, " +
			"locale: language or time zone, phone_number: phone number, address: postal address",
	} {
		if got := summary(pii.InObject(parse(t, read(t, "../claims/"+file)))); got != want {
			t.Errorf("%s\n got %s\nwant %s", file, got, want)
		}
	}
}
