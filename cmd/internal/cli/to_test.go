package cli

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// toRecipient returns the one recipient of a --to.
func toRecipient(text string, selective bool) (recipient, error) {
	to, err := parseRecipients([]string{text}, selective)
	if err != nil {
		return recipient{}, err
	}
	return to[0], nil
}

// The first = ends the names, and nothing else in the text counts.
func TestSelectiveTo(t *testing.T) {
	t.Chdir(t.TempDir())
	for text, want := range map[string]recipient{
		"email=api.jwks":                         {path: "api.jwks", claims: []string{"email"}},
		"email,full name=api.jwks":               {path: "api.jwks", claims: []string{"email", "full name"}},
		"*=api.jwks":                             {path: "api.jwks", all: true},
		"email=a:b.jwks":                         {path: "a:b.jwks", claims: []string{"email"}},
		"email=a=b.jwks":                         {path: "a=b.jwks", claims: []string{"email"}},
		"email==b.jwks":                          {path: "=b.jwks", claims: []string{"email"}},
		"email=/dev/fd/63":                       {path: "/dev/fd/63", claims: []string{"email"}},
		`email=C:\keys.json`:                     {path: `C:\keys.json`, claims: []string{"email"}},
		"*=C:/keys.json":                         {path: "C:/keys.json", all: true},
		"email=https://host:8443":                {path: "https://host:8443", claims: []string{"email"}},
		"email,address=http://[::1]:8443/x?a=b":  {path: "http://[::1]:8443/x?a=b", claims: []string{"email", "address"}},
		"*=https://host/a:b?x=y:z":               {path: "https://host/a:b?x=y:z", all: true},
		"https://claims.example/tier=https://h/": {path: "https://h/", claims: []string{"https://claims.example/tier"}},
		"https://h:1/tier,urn:x:y=https://h:2/j": {path: "https://h:2/j", claims: []string{"https://h:1/tier", "urn:x:y"}},
		"urn:example:tier=api.jwks":              {path: "api.jwks", claims: []string{"urn:example:tier"}},
		"urn:example:tier,a/b,42=api.jwks":       {path: "api.jwks", claims: []string{"urn:example:tier", "a/b", "42"}},
		"42=x:1":                                 {path: "x:1", claims: []string{"42"}},
	} {
		got, err := toRecipient(text, true)
		if err != nil || got.path != want.path || got.all != want.all || !slices.Equal(got.claims, want.claims) {
			t.Errorf("%s becomes %+v, %v; want %+v", text, got, err, want)
		}
	}
}

// Without --selective the whole text is the place.
func TestNestedTo(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, text := range []string{
		"api.jwks", "a:b.jwks", "C:/x", `C:\keys.json`, "x:1", "email=api.jwks", "=", "api.jwks:email", "/dev/fd/63",
		"https://host", "https://host:8443", "https://host:8443/jwks?x=1:email", "https://[::1]:8443/x?a=b", "https://host/jwks:email",
	} {
		if got, err := toRecipient(text, false); err != nil || got.path != text || got.all || got.claims != nil {
			t.Errorf("%s becomes %+v, %v", text, got, err)
		}
	}
}

// The error of a wrong --to shows the right one in the user's own words.
func TestToSaysWhatToWrite(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"api.jwks", "a=b.jwks", "my keys.jwks"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		text string
		want string // end of the message
	}{
		{"api.jwks", "write --to email,address=api.jwks, or --to '*=api.jwks' for all that is not visible"},
		{"my keys.jwks", "write --to 'email,address=my keys.jwks', or --to '*=my keys.jwks' for all that is not visible"},
		{"absent.jwks", "or --to '*=absent.jwks' for all that is not visible"},
		{"https://[::1]:8443/jwks", "or --to '*=https://[::1]:8443/jwks' for all that is not visible"},
		{"https://[::1]:8443", "or --to '*=https://[::1]:8443' for all that is not visible"},
		{`C:\keys.json`, `or --to '*=C:\keys.json' for all that is not visible`},
		{"=api.jwks", "write --to email,address=api.jwks, or --to '*=api.jwks' for all that is not visible"},
		{"=https://host/jwks", "or --to '*=https://host/jwks' for all that is not visible"},
		{"email=", "names no place: write --to email=api.jwks"},
		{"urn:x:y=", "names no place: write --to urn:x:y=api.jwks"},
		{"=", "names no place: write --to email,address=api.jwks"},
		{",=api.jwks", "such as scope,roles"},
		{"email,=api.jwks", "such as scope,roles"},
		{" email=api.jwks", "such as scope,roles"},
		{"email,*=api.jwks", "and in --to only"},
		{"**,*=api.jwks", "and in --to only"},
		{"email,name,email=api.jwks", `each once, and not "email" again`},
		// The user wrote PLACE:NAMES.
		{"api.jwks:email", "write --to email=api.jwks"},
		{"api.jwks:email,full name", "write --to 'email,full name=api.jwks'"},
		{"api.jwks:*", "write --to '*=api.jwks'"},
		{"api.jwks:", "write --to email,address=api.jwks"},
		{"api.jwks:urn:x:y", "write --to urn:x:y=api.jwks"},
		{"api.jwks:42", "write --to 42=api.jwks"},
		{"absent.jwks:email", "write --to email=absent.jwks"},
		{":email", "names no place: write --to email=api.jwks"},
		{"a=b.jwks:email", "write --to email=a=b.jwks"},
		{"a=b.jwks", "write --to email,address=a=b.jwks, or --to '*=a=b.jwks' for all that is not visible"},
		{"C:/x:email", "write --to email=C:/x"},
		{"https://host:8443:email,address", "write --to email,address=https://host:8443"},
		{"https://[::1]/jwks:email", "write --to 'email=https://[::1]/jwks'"},
		{"https://host/jwks:urn:x", "write --to urn:x=https://host/jwks"},
		{"https://host/j?x=1:email", "if the place itself holds the =, write --to email=https://host/j"},
		{"https://host/j?x=1", "if the place itself holds the =, write --to '*=https://host/j'"},
		{"https://claims.example/tier=absent.jwks", "what follows the first = is neither a URL nor a file that is there: correct it, or, if the place itself holds the =, write --to '*=https://claims.example/tier=absent.jwks'"},
	} {
		got, err := toRecipient(c.text, true)
		if err == nil {
			t.Errorf("%q was taken for %+v", c.text, got)
			continue
		}
		if code, text := describe(err); code != console.ExitUsage || !strings.HasSuffix(text, c.want) {
			t.Errorf("%q: exit code %d, %s", c.text, code, text)
		}
	}
	for text, want := range map[string]string{
		"email=api.jwks":           "add --selective, or write --to api.jwks",
		"x=https://ada:pw@h/?k=pw": "add --selective, or write --to https://h/",
		"api.jwks:email":           "write --selective --to email=api.jwks, or --to api.jwks",
		"my keys.jwks:*":           "write --selective --to '*=my keys.jwks', or --to 'my keys.jwks'",
	} {
		_, err := toRecipient(text, false)
		if err == nil {
			t.Errorf("%q was taken", text)
		} else if code, said := describe(err); code != console.ExitUsage || !strings.HasSuffix(said, want) {
			t.Errorf("%q: exit code %d, %s", text, code, said)
		}
	}
}

// The query of a URL may be a secret, and so may a password. No message shows them.
func TestToShowsNoSecrets(t *testing.T) {
	var visible sealFlags
	visible.selective = true
	visible.visible.names = []string{"email"}
	errs := make(map[string]error)
	for _, text := range []string{
		"https://ada:hunter2@host/jwks?key=hunter2", "https://ada:hunter2@host/jwks?key=hunter2:", "https://ada:hunter2@host/jwks?key=hunter2:a,,b",
		"https://ada:hunter2@host/jwks?key=hunter2:a:b", "https://ada:hunter2@host/jwks", "https://ada:hunter2@host:email", "https://ada:hunter2=x@host/jwks",
		"=https://ada:hunter2@host/jwks?key=hunter2", "a,,b=https://ada:hunter2@host/jwks?key=hunter2", "x,x=https://ada:hunter2@host?hunter2",
		"https://claims.example/x,,y=https://ada:hunter2@host/jwks?key=hunter2",
	} {
		_, errs[text] = toRecipient(text, true)
	}
	to, err := parseRecipients([]string{"email=https://ada:hunter2@host/jwks?key=hunter2"}, true)
	if err != nil {
		t.Fatal(err)
	}
	errs["visible and --to"] = visible.checkForm(to)
	for text, err := range errs {
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "https://host") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if got := console.WithoutSecrets("what?.jwks"); got != "what?.jwks" {
		t.Errorf("a file becomes %s", got)
	}
}
