package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// prepare turns the texts of a command and of the verbs below it into the Markdown that package doc
// reads. The help topics become sections of the page of the command itself.
func prepare(root *cobra.Command) {
	for _, c := range root.Commands() {
		prepareVerb(c)
	}
	root.Long = markdown(root.Long)
	for _, c := range root.Commands() {
		if c.IsAdditionalHelpTopicCommand() {
			root.Long += "\n# " + sectionTitles[c.Name()] + "\n" + c.Long
		}
	}
	finish(root)
}

// sectionTitles are the titles that man(7) gives to the topics.
var sectionTitles = map[string]string{"exit-codes": "EXIT STATUS", "environment": "ENVIRONMENT", "files": "FILES"}

func prepareVerb(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		prepareVerb(c)
	}
	cmd.Long = markdown(cmd.Long)
	if cmd.Long == "" {
		cmd.Long = markdown(cmd.Short) + "."
	}
	finish(cmd)
}

// finish escapes the short description and the usage texts of the flags, in which no character may
// count as markup.
func finish(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	cmd.Short = escape(cmd.Short)
	cmd.LocalNonPersistentFlags().VisitAll(finishFlag)
	cmd.PersistentFlags().VisitAll(finishFlag)
}

func finishFlag(f *pflag.Flag) { f.Usage = escape(strings.ReplaceAll(f.Usage, "`", "")) }

// markdown returns a help text as Markdown: a line that begins with a space is shown as it is,
// and in any other line no character has a meaning of its own.
func markdown(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, " ") {
			lines[i] = "    " + line
		} else {
			lines[i] = escape(line)
		}
	}
	return strings.Join(lines, "\n")
}

var special = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", `\<`, "[", `\[`, "#", `\#`, "~", `\~`)

func escape(text string) string { return special.Replace(text) }
