package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// foreignVerbs are names that users of step, jose, tinkey and man type, and the verb that does
// the same here.
var foreignVerbs = map[string]string{
	"create": "keys init", "gen": "keys init", "generate": "keys init", "init": "keys init", "keygen": "keys init", "new": "keys init",
	"create-keyset": "keys init", "list": "keys list", "list-keyset": "keys list", "thp": "keys list", "thumbprint": "keys list",
	"export": "keys export", "pub": "keys export", "public": "keys export", "create-public-keyset": "keys export",
	"add": "keys import", "add-key": "keys import", "import": "keys import",
	"promote": "keys rotate", "promote-key": "keys rotate", "renew": "keys rotate", "rotate": "keys rotate", "rotate-keyset": "keys rotate",
	"status": "keys check", "check": "keys check", "health": "keys check",
	"delete": "keys revoke", "delete-key": "keys revoke", "destroy": "keys revoke", "destroy-key": "keys revoke",
	"disable": "keys revoke", "disable-key": "keys revoke", "revoke": "keys revoke",
	"policy": "keys policy show", "log": "keys log", "rewrap": "keys rewrap", "accept": "keys accept",
	"enc": "seal", "encode": "seal", "encrypt": "seal", "issue": "seal", "sign": "seal", "sig": "seal",
	"dec": "open", "decrypt": "open", "unseal": "open", "validate": "open", "ver": "open", "verify": "open",
	"debug": "inspect", "decode": "inspect", "dump": "inspect", "show": "inspect",
	"fetch": "jwks fetch", "serve": "jwks serve", "server": "jwks serve", "watch": "revoked watch",
	"man": "help", "manual": "help",
}

// foreignKeysVerbs are such names behind keys.
var foreignKeysVerbs = map[string]string{
	"create": "keys init", "gen": "keys init", "generate": "keys init", "new": "keys init", "make": "keys init",
	"ls": "keys list", "show": "keys list", "status": "keys check", "health": "keys check",
	"add": "keys import", "public": "keys export", "pub": "keys export", "publish": "keys export",
	"renew": "keys rotate", "promote": "keys rotate",
	"delete": "keys revoke", "destroy": "keys revoke", "disable": "keys revoke", "remove": "keys revoke", "rm": "keys revoke",
	"history": "keys log", "audit": "keys log", "passphrase": "keys rewrap", "passwd": "keys rewrap", "restore": "keys accept",
	"move": "keys copy", "mv": "keys copy", "cp": "keys copy", "migrate": "keys copy", "backup": "keys copy",
}

// verbNeeded refuses a command that only groups others. Cobra would print
// its help and report success, and a script would go on.
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

// unknownVerb names the verb that was meant, where the words behind group tell.
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
	if verb := foreign[words[0]]; verb != "" {
		return console.Usagef("unknown verb%s: this does it: %s", echo(words[0]), a.again(verb))
	}
	group.SuggestionsMinimumDistance = 2
	if near := group.SuggestionsFor(words[0]); len(near) > 0 {
		return console.Usagef("unknown verb%s: did you mean %s %s?", echo(words[0]), group.CommandPath(), near[0])
	}
	return console.Usagef("unknown verb%s: see %s --help", echo(words[0]), group.CommandPath())
}
