package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/cli"
)

// Every verb has its page. The first page has the topics.
func TestPages(t *testing.T) {
	dir := t.TempDir()
	if err := run([]string{dir}); err != nil {
		t.Fatal(err)
	}
	var visit func(c *cobra.Command)
	pages := 0
	visit = func(c *cobra.Command) {
		if !c.IsAdditionalHelpTopicCommand() {
			pages++
			text, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
			if err != nil || !strings.Contains(string(text), ".SH NAME") || strings.Contains(string(text), "spf13") {
				t.Errorf("%s: %v\n%s", c.CommandPath(), err, text)
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(cli.Command(cli.Options{Name: "sealjwt"}))
	if files, _ := os.ReadDir(dir); len(files) != pages || pages < 20 {
		t.Errorf("%d pages for %d verbs", len(files), pages)
	}
	first, err := os.ReadFile(filepath.Join(dir, "sealjwt.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{".SH EXIT STATUS", "  7  due: ", ".SH ENVIRONMENT", "SEALJWT_KEK_FILE", ".SH FILES", "~/.config/sealjwt/kek"} {
		if !strings.Contains(string(first), want) {
			t.Errorf("sealjwt.1 lacks %q", want)
		}
	}
}

// No character of a text becomes markup.
func TestMarkdown(t *testing.T) {
	for text, want := range map[string]string{
		"a *b* _c_ <d> [e] `f` # ~ \\": "a \\*b\\* \\_c\\_ \\<d> \\[e] \\`f\\` \\# \\~ \\\\",
		"to:\n\n  --to '*=PLACE'":      "to:\n\n      --to '*=PLACE'",
	} {
		if got := markdown(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestUsage(t *testing.T) {
	if run(nil) == nil || run([]string{"a", "b"}) == nil {
		t.Error("no folder, or two, was taken")
	}
}
