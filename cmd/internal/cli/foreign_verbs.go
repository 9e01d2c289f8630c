package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// foreignVerbs maps verbs of step, jose, tinkey and other programs to the verb that does the same
// here, so that the error for an unknown verb can name it.
var foreignVerbs = map[string]string{
	"create": "keys init", "gen": "keys init", "generate": "keys init", "init": "keys init", "keygen": "keys init", "new": "keys init",
	"create-keyset": "keys init", "list": "keys list", "list-keyset": "keys list", "thp": "keys list", "thumbprint": "keys list",
	"export": "keys export", "pub": "keys export", "public": "keys export", "create-public-keyset": "keys export",
	"add": "keys import", "add-key": "keys import", "import": "keys import",
	"promote": "keys rotate", "promote-key": "keys rotate", "renew": "keys rotate", "rotate": "keys rotate", "rotate-keyset": "keys rotate",
	"status": "keys check", "check": "keys check", "health": "keys check",
	"revoke": "keys revoke",
	"policy": "keys policy show", "log": "keys log", "rewrap": "keys rewrap", "accept": "keys accept",
	"enc": "seal", "encode": "seal", "encrypt": "seal", "issue": "seal", "sign": "seal", "sig": "seal",
	"dec": "open", "decrypt": "open", "unseal": "open", "validate": "open", "ver": "open", "verify": "open",
	"debug": "inspect", "decode": "inspect", "dump": "inspect", "show": "inspect",
	"fetch": "jwks fetch", "serve": "jwks serve", "server": "jwks serve", "watch": "revoked watch",
	"man": "help", "manual": "help",
}

// foreignKeysVerbs does the same as foreignVerbs for a word that the user types after keys.
var foreignKeysVerbs = map[string]string{
	"create": "keys init", "gen": "keys init", "generate": "keys init", "new": "keys init", "make": "keys init",
	"ls": "keys list", "show": "keys list", "status": "keys check", "health": "keys check",
	"add": "keys import", "public": "keys export", "pub": "keys export", "publish": "keys export",
	"renew": "keys rotate", "promote": "keys rotate",
	"history": "keys log", "audit": "keys log", "passphrase": "keys rewrap", "passwd": "keys rewrap",
	"move": "keys copy", "mv": "keys copy", "migrate": "keys copy",
	"cp": "keys copy --keep", "backup": "keys copy --keep", // keys copy alone would end the ring at its old place
}

// endings are verbs with which other tools delete or disable a key. No verb here does only that:
// keys rotate ends a key in time, and keys revoke also makes the tokens of the key fail.
var endings = []string{"delete", "delete-key", "destroy", "destroy-key", "disable", "disable-key", "remove", "rm"}

// notTheSame returns, for a foreign verb without an equal here, which verbs come near it and what
// else they do. It returns "" for any other word.
func (a *App) notTheSame(word string) string {
	switch {
	case slices.Contains(endings, word):
		return "keys end in time, by: " + a.again("keys rotate") +
			"; a stolen key ends at once, and tokens of it are refused, by: " + a.again("keys revoke")
	case word == "restore":
		return "copy the backup of the ring to its place; in it a key is good again that was revoked after the backup: read first: " +
			a.again("keys accept --help")
	}
	return ""
}

// verbNeeded refuses a command line that ends with a group of verbs, such as keys, or has an
// unknown verb after it. Cobra would print help and report success, and a script would go on.
func (a *App) verbNeeded(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return a.unknownVerb(cmd, args)
	}
	var verbs []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			verbs = append(verbs, c.Name())
		}
	}
	return console.Usagef("a verb is missing (%s): see %s --help", strings.Join(verbs, ", "), cmd.CommandPath())
}

// unknownVerb returns the error for a verb that does not exist in group. If the words show which
// verb the user meant, the error names it.
func (a *App) unknownVerb(group *cobra.Command, words []string) error {
	if len(words) == 0 {
		return console.Usagef("the name of the verb is missing: see %s --help", group.CommandPath())
	}
	foreign := foreignVerbs
	switch {
	case !group.HasAvailableSubCommands():
		return console.Usagef("unknown verb%s: see %s --help", echo(words[0]), group.CommandPath())
	case group.HasParent() && group.Name() == "keys":
		foreign = foreignKeysVerbs
	case group.HasParent():
		foreign = nil
	}
	if foreign != nil {
		if text := a.notTheSame(words[0]); text != "" {
			return console.Usagef("unknown verb%s: %s", echo(words[0]), text)
		}
	}
	if verb := foreign[words[0]]; verb != "" {
		return console.Usagef("unknown verb%s: this does it: %s", echo(words[0]), a.again(verb))
	}
	if near := nearestVerb(group, words[0]); near != "" {
		return console.Usagef("unknown verb%s: did you mean %s?", echo(words[0]), near)
	}
	return console.Usagef("unknown verb%s: see %s --help", echo(words[0]), group.CommandPath())
}

// nearestVerb returns the command line of the verb or the topic whose name is like a mistyped word.
func nearestVerb(group *cobra.Command, word string) string {
	names := &cobra.Command{SuggestionsMinimumDistance: 2}
	topics := make(map[string]bool)
	for _, c := range group.Commands() {
		if c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
			names.AddCommand(&cobra.Command{Use: c.Name(), Run: func(*cobra.Command, []string) {}})
			topics[c.Name()] = c.IsAdditionalHelpTopicCommand()
		}
	}
	for _, name := range names.SuggestionsFor(word) {
		switch {
		case len(word) <= 4 && word[:min(1, len(word))] != name[:1]:
			// SuggestionsFor takes names that differ in two letters. Of four that is too many,
			// unless the first letter is the same.
		case topics[name]:
			return group.CommandPath() + " help " + name
		default:
			return group.CommandPath() + " " + name
		}
	}
	return ""
}
