package cli

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// visitVerbs calls visit with a command and with each verb and topic below it.
func visitVerbs(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		visitVerbs(sub, visit)
	}
}

// No line of a help is wider than the terminal. Examples and commands are an exception, because
// users paste them.
func TestHelpFitsTheTerminal(t *testing.T) {
	for _, width := range []int{80, 100} {
		visitVerbs(Command(options), func(c *cobra.Command) {
			inExamples := false
			for _, line := range strings.Split(helpText(c, width), "\n") {
				switch {
				case line == "Examples:":
					inExamples = true
				case line != "" && line[0] != ' ':
					inExamples = false
				}
				if len([]rune(line)) > width && !inExamples {
					t.Errorf("%s: a line of %d columns: %s", c.CommandPath(), len([]rune(line)), line)
				}
			}
		})
	}
}

// The flags of a verb with many flags are in groups. Each name in the table is the name of a flag.
func TestFlagGroups(t *testing.T) {
	known := make(map[string]bool)
	root := Command(Options{Name: "sealjwt", Stores: map[string]OpenStore{"mem": nil}})
	visitVerbs(root, func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		for _, g := range groupsOf(c.LocalFlags()) {
			n := 0
			g.flags.VisitAll(func(*pflag.Flag) { n++ })
			if n > 14 {
				t.Errorf("%s: %d flags below %s", c.CommandPath(), n, g.title)
			}
		}
	})
	for _, group := range flagTitles {
		for _, name := range group.names {
			if !known[name] {
				t.Errorf("no verb has the flag --%s", name)
			}
		}
	}
}

// The parties stand first, in the order in which a person thinks of them.
func TestPartiesStandFirst(t *testing.T) {
	help, _ := runOK(t, "", "open", "--help")
	last := 0
	for _, flag := range []string{"\nParties:", "--trust", "--iss", "--aud", "\nToken:", "--typ", "\nKeys from a URL:", "--timeout", "\nMany tokens:", "--jsonl", "\nFlags:", "--explain", "\nThe ring:", "--ring"} {
		i := strings.Index(help[last:], flag)
		if i < 0 {
			t.Fatalf("%s does not stand behind the one before:\n%s", flag, help)
		}
		last += i
	}
}

// The help of keys init shows the figures of a ring that is made without flags.
func TestHelpShowsTheDefaults(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	help, _ := runOK(t, "", "keys", "init", "--help")
	runOK(t, "", "keys", "init")
	for _, f := range policyFigures {
		want := console.Duration(f.standard)
		if !regexp.MustCompile(`--` + f.flag + ` DURATION[^(]*\(default\s+` + want + `\)`).MatchString(help) {
			t.Errorf("--%s: the help lacks the default %s:\n%s", f.flag, want, help)
		}
	}
	var policy struct{ Policy map[string]any }
	asJSON, _ := runOK(t, "", "keys", "policy", "show", "-o", "json")
	if err := json.Unmarshal([]byte(asJSON), &policy); err != nil {
		t.Fatal(err)
	}
	for _, f := range policyFigures {
		if got := policy.Policy[strings.ReplaceAll(f.flag, "-", "_")]; got != float64(f.standard/time.Second) {
			t.Errorf("--%s: the ring has not the default %v: %s", f.flag, f.standard, asJSON)
		}
	}
}

// The topic on exit codes has each code once, and nothing else.
func TestExitCodesTopic(t *testing.T) {
	for code := console.ExitDone; code <= console.ExitDue; code++ {
		if strings.Count(exitCodesText, fmt.Sprintf("\n  %d  ", code)) != 1 {
			t.Errorf("code %d does not stand in the topic once", code)
		}
	}
	if strings.Contains(exitCodesText, fmt.Sprintf("\n  %d  ", console.ExitDue+1)) {
		t.Error("the topic has one code too many")
	}
}

// The topic on the environment names each variable that the command reads. A command without
// stores does not read the variable of their connection.
func TestEnvironmentTopic(t *testing.T) {
	variable := regexp.MustCompile(`^(SEALJWT|XDG)_[A-Z_]+$`)
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, _ := strconv.Unquote(lit.Value); variable.MatchString(text) {
					found[text] = true
				}
			}
			return true
		})
	}
	if len(found) < 8 {
		t.Errorf("only %d variables were found", len(found))
	}
	for _, o := range []Options{{Name: "sealjwt"}, {Name: "sealjwt", Stores: map[string]OpenStore{"mem": nil}}} {
		topic, _, err := Command(o).Find([]string{"environment"})
		if err != nil {
			t.Fatal(err)
		}
		for name := range found {
			want := name != "SEALJWT_STORE_FILE" || o.Stores != nil
			if strings.Contains(topic.Long, "\n  "+name+" ") != want {
				t.Errorf("%d stores: that the topic names %s is %v", len(o.Stores), name, !want)
			}
		}
	}
}

// Each name of another tool is answered with an existing verb, and hides no verb of the command.
func TestForeignVerbs(t *testing.T) {
	root := Command(options)
	for _, table := range []struct {
		group []string
		names map[string]string
	}{{nil, foreignVerbs}, {[]string{"keys"}, foreignKeysVerbs}} {
		for name, verb := range table.names {
			c, rest, err := root.Find(strings.Fields(verb))
			if verb != "help" && (err != nil || c.ParseFlags(rest) != nil || c.Flags().NArg() > 0 || verb == "") {
				t.Errorf("%s is answered with %s, which is not a verb with its flags", name, verb)
			}
			if c, rest, _ := root.Find(append(table.group, name)); len(rest) == 0 && c.IsAvailableCommand() {
				t.Errorf("%s is a verb of its own", c.CommandPath())
			}
		}
	}
}

// A completion shows the description of a flag without backticks, and prints nothing else.
func TestCompletionIsQuiet(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	visitVerbs(Command(options), func(c *cobra.Command) {
		if c.IsAdditionalHelpTopicCommand() {
			return
		}
		args := append([]string{"__complete"}, strings.Fields(c.CommandPath())[1:]...)
		out, errs := runOK(t, "", append(args, "--")...)
		if strings.Contains(out, "`") || errs != "" || !strings.Contains(out, "--help") {
			t.Errorf("%s: stdout %q, stderr %q", c.CommandPath(), out, errs)
		}
	})
}

// Completion offers the flags of a ring only for verbs that take them.
func TestCompletionOfRingFlags(t *testing.T) {
	for verb, takes := range map[string]bool{"inspect": false, "scan": false, "page": false, "version": false, "seal": true, "keys list": true} {
		out, _ := runOK(t, "", append(append([]string{"__complete"}, strings.Fields(verb)...), "--")...)
		for _, flag := range []string{"--ring\t", "--kek-file\t", "--passphrase-file\t", "--seen-file\t"} {
			if strings.Contains(out, flag) != takes {
				t.Errorf("%s: offers %q is %v: %s", verb, flag, !takes, out)
			}
		}
	}
}

// The manual gives each exit code the meaning that the topic gives.
func TestManualHasExitCodes(t *testing.T) {
	manual, err := os.ReadFile("../../sealjwt/README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(manual), "`", "")
	topic := strings.ReplaceAll(exitCodesText, "\n     ", " ")
	for code := range console.ExitDue + 1 {
		_, meaning, _ := strings.Cut(topic, fmt.Sprintf("\n  %d  ", code))
		meaning, _, _ = strings.Cut(meaning, "\n")
		if row := fmt.Sprintf("\n| %d | %s |\n", code, meaning); !strings.Contains(text, row) {
			t.Errorf("the manual lacks %q", row)
		}
	}
}
