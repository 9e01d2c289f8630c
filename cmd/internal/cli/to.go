package cli

import (
	"os"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys"
)

// recipient is one --to.
type recipient struct {
	path   string
	claims []string // the names that it lists
	all    bool     // it has * in place of names
	keys   keys.PublicSource
}

func placesOf(to []recipient) []string {
	var places []string
	for _, r := range to {
		places = append(places, r.path)
	}
	return places
}

// parseRecipients reads what --to says: a place as it stands for a nested token, and
// NAMES=PLACE for a selective one.
func parseRecipients(flags []string, selective bool) ([]recipient, error) {
	parse := parseNested
	if selective {
		parse = parseSelective
	}
	var to []recipient
	for _, text := range flags {
		r, err := parse(text)
		if err != nil {
			return nil, err
		}
		if err := console.CheckHome("--to", r.path); err != nil {
			return nil, err
		}
		to = append(to, r)
	}
	return to, nil
}

// parseNested takes all of the text for the place. If no such file exists, but a part of the text
// names a file, it says that only the selective form takes lists of claims.
func parseNested(text string) (recipient, error) {
	if isPlace(text) {
		return recipient{path: text}, nil
	}
	const problem = "--to lists claims, which is for the selective form: "
	if _, place, ok := strings.Cut(text, "="); ok && isPlace(place) {
		return recipient{}, console.Usagef(problem+"add --selective, or write --to %s", shellWord(console.WithoutSecrets(place)))
	}
	if place, names := oldSpelling(text); isFile(place) {
		return recipient{}, console.Usagef(problem+"write --selective --to %s, or --to %s", shellWord(names+"="+place), shellWord(place))
	}
	return recipient{path: text}, nil
}

// parseSelective splits at the first =, whatever stands on its two sides: names can be URIs
// and hold colons, places can be URLs and hold more of =.
func parseSelective(text string) (recipient, error) {
	names, place, ok := strings.Cut(text, "=")
	if !ok || !isPlace(place) {
		if err := explainOldSpelling(text, ok); err != nil {
			return recipient{}, err
		}
	}
	shown := console.WithoutSecrets(names) + "=" + console.WithoutSecrets(place)
	r := recipient{path: place}
	switch {
	case place == "":
		return r, console.Usagef("--to %s names no place: write --to %s", shown, shellWord(orExample(names)+"=api.jwks"))
	case names == "":
		return r, console.Usagef("--to %s lists no claims: write --to %s, or --to %s for all that is not visible",
			shown, shellWord(exampleNames+shown), shellWord(everything+shown))
	case names == everything:
		r.all = true
		return r, nil
	}
	var err error
	if r.claims, err = splitNames(names); err != nil {
		return r, console.Usagef("the claims of --to %s %w", shown, err)
	}
	return r, nil
}

// exampleNames is the list of claims in the examples of error messages.
const exampleNames = "email,address"

func orExample(names string) string {
	if names == "" {
		return exampleNames
	}
	return console.WithoutSecrets(names)
}

// explainOldSpelling answers PLACE and PLACE:NAMES, the spellings before NAMES=PLACE, with the
// new one. A text with = gets this answer only where no place follows the = and the text could
// have been meant the old way. The text may then be a URL whose query is a
// secret, so no part of it is shown as a file.
func explainOldSpelling(text string, hasEquals bool) error {
	place, names := oldSpelling(text)
	shown := console.WithoutSecrets(place)
	instead := shellWord(names + "=" + shown)
	switch {
	case hasEquals && console.IsURL(text):
		return console.Usagef("--to %s: what follows the first = is neither a URL nor a file that is there: "+
			"correct it, or, if the place itself holds the =, write --to %s",
			console.WithoutSecrets(text), instead)
	case hasEquals && !isFile(place), text == "":
		return nil
	case place == "":
		return console.Usagef("--to %s names no place: write --to %s", text, shellWord(names+"=api.jwks"))
	case names == everything && place == text:
		return console.Usagef("--to %s lists no claims: write --to %s, or --to %s for all that is not visible", shown, shellWord(exampleNames+"="+shown), instead)
	}
	return console.Usagef("--to %s: the claims stand before the place: write --to %s", console.WithoutSecrets(text), instead)
}

// oldSpelling guesses which place and which claims a text meant when claims followed the
// place and a colon. Nothing but the text of an error may depend on it.
func oldSpelling(text string) (place, names string) {
	i := listColon(text)
	if i < 0 {
		return text, everything
	}
	if text[i+1:] == "" {
		return text[:i], exampleNames
	}
	return text[:i], text[i+1:]
}

// listColon returns the index of the colon before a list: the one behind a file that is
// there, the first one in the path of a URL, or the last one, unless that is part of C:\x,
// of https://host:8443 or of https://[::1].
func listColon(text string) int {
	path := 0
	if scheme, rest, ok := strings.Cut(text, "://"); ok && console.IsURL(text) {
		path = len(text)
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			path = len(scheme) + len("://") + i
		}
	}
	for i := path; i < len(text); i++ {
		if text[i] == ':' && (path > 0 || isFile(text[:i])) {
			return i
		}
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 || strings.ContainsAny(text[i:], `/\]@`) || isDigits(text[i+1:]) {
		return -1
	}
	return i
}

// isPlace reports whether a text is a URL or names a file that is there.
func isPlace(text string) bool { return console.IsURL(text) || isFile(text) }

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
