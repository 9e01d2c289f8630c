package cli

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// ringCommand finds a command line in a text that acts on a ring.
var ringCommand = regexp.MustCompile(`sealjwt (keys [a-z]|seal --init|jwks serve)`)

// helpFields are the fields whose texts are help, or the name of a verb above a page. They name no
// ring.
var helpFields = map[string]bool{"Long": true, "Short": true, "Example": true, "Brand": true}

// elsewhere begins the texts for another party. That party's ring has other flags.
const elsewhere = "ask the other party for what this prints: "

// No text of the command spells a command line for a ring. Hint makes such a line, and repeats the
// flags.
func TestHintsGoThroughHint(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		seen++
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range spelledHints(parsed) {
			t.Errorf("%s: a command line for a ring stands in a text: let Hint build it", set.Position(at))
		}
	}
	if seen < 50 {
		t.Errorf("only %d files were read", seen)
	}
}

func TestSpelledHints(t *testing.T) {
	for body, want := range map[string]int{
		`a.Say("make one with: sealjwt keys init")`:                               1,
		`_ = outcome{err, 5, "see sealjwt keys list", ""}`:                        1,
		`_ = cobra.Command{Long: "See sealjwt keys list."}`:                       0,
		`cmd.Long = "See sealjwt keys list."`:                                     0,
		`cmd.Use = "sealjwt keys list"`:                                           1,
		`_ = cobra.Command{Use: "sealjwt keys list"}`:                             1,
		`a.Say("next: %s", a.again("keys export"))`:                               0,
		`_ = "ask the other party for what this prints: sealjwt keys export --x"`: 0,
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), "x.go", "package main\nfunc _() {"+body+"}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := spelledHints(parsed); len(got) != want {
			t.Errorf("%s: %d places, want %d", body, len(got), want)
		}
	}
}

// spelledHints returns the places where a text has a command line for a ring.
func spelledHints(file *ast.File) (places []token.Pos) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && helpFields[key.Name] {
				return false
			}
		case *ast.AssignStmt:
			if to, ok := n.Lhs[0].(*ast.SelectorExpr); ok && helpFields[to.Sel.Name] {
				return false
			}
		case *ast.BasicLit:
			text, _ := strconv.Unquote(n.Value)
			if n.Kind == token.STRING && ringCommand.MatchString(text) && !strings.HasPrefix(text, elsewhere) {
				places = append(places, n.Pos())
			}
		}
		return true
	})
	return places
}

// Every hint for a ring repeats the flags that name the ring.
func TestHintsRepeatTheFlags(t *testing.T) {
	a := &App{Console: console.New("sealjwt-fleet", nil, nil, nil)}
	a.Repeat = a.repeat
	a.ring, a.kekFile, a.seenFile, a.storeFile = "postgres:idp", "my kek", "s", "c"
	const flags = " --ring postgres:idp --kek-file 'my kek' --seen-file s --store-file c"
	for _, err := range []error{
		keyring.ErrNoRing, keyring.ErrRollback, keys.ErrNoKey, keys.ErrDuplicate, keyring.ErrUnknownOutcome,
		&console.Failure{Err: errDue, Code: console.ExitDue, Verb: "keys rotate"},
		sealJob{}.advise(keys.ErrNoKey),
	} {
		if _, text := a.Describe(err); !strings.Contains(text, ": sealjwt-fleet keys ") || !strings.HasSuffix(text, flags) {
			t.Errorf("%v: %s", err, text)
		}
	}
	a.kekFile, a.passphraseFile = "", "p"
	if got := a.again("keys list"); got != "sealjwt-fleet keys list --ring postgres:idp --passphrase-file p --seen-file s --store-file c" {
		t.Error(got)
	}
	if got := a.again("inspect"); got != "sealjwt-fleet inspect" {
		t.Errorf("a verb without a ring got its flags: %s", got)
	}
}

// The hints that verbs print name the ring in use, from its first day to its last.
func TestPrintedHintsRepeatTheFlags(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir := t.TempDir()
	ring, kek := filepath.Join(dir, "ring"), filepath.Join(dir, "kek")
	flags := " --ring " + ring + " --kek-file " + kek
	for _, c := range []struct{ verb, hint string }{
		{"keys list", "keys init"},
		{"keys init", "keys export"},
		{"keys revoke nosuchkid", "keys list"},
		{"keys revoke", "keys list"},
		{"keys policy set --token-lifetime 1h", "keys policy show"},
		{"keys revoke --all", "keys export"},
	} {
		var out, errs bytes.Buffer
		run(t.Context(), append(strings.Fields(c.verb), "--ring", ring, "--kek-file", kek), strings.NewReader(""), &out, &errs)
		if want := "sealjwt " + c.hint + flags; !strings.Contains(errs.String(), want) {
			t.Errorf("%s: %q lacks %q", c.verb, errs.String(), want)
		}
	}
}

// A verb may follow the advice of an outcome. Then both stand in the line.
func TestVerbStandsBehindTheAdvice(t *testing.T) {
	for _, c := range []struct {
		advice, verb, want string
	}{
		{"", "", "broken"},
		{"mend it", "", "broken: mend it"},
		{"", "keys list", "broken: sealjwt keys list"},
		{"see", "keys list", "broken: see: sealjwt keys list"},
	} {
		_, text := describe(&console.Failure{Err: errors.New("broken"), Code: 1, Advice: c.advice, Verb: c.verb})
		if text != c.want {
			t.Errorf("%q, want %q", text, c.want)
		}
	}
}
