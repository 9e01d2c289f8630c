package console

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// CheckHome refuses a path that begins with ~/. A shell replaces ~ by the home folder only at the
// beginning of a word, so not in --ring=~/ring, and systemd and containers never replace it. With
// such a path a file would be made in a folder that is called ~.
func CheckHome(from, path string) error {
	if !strings.HasPrefix(path, "~/") && path != "~" {
		return nil
	}
	return Usagef("%s is %s, and no shell has put the home folder in the place of ~: write the whole path, or ./%[2]s for a folder that is named so", from, path)
}

// UserPath returns the path of a file in the folder sealjwt of one of the XDG base folders, on
// every system, also on macOS and Windows, so that scripts can use one path everywhere.
func UserPath(variable, fallback, name string) (string, error) {
	base := os.Getenv(variable)
	if err := CheckHome(variable, base); err != nil {
		return "", err
	}
	if !filepath.IsAbs(base) { // the XDG specification says to ignore a relative path
		home, err := os.UserHomeDir()
		if err != nil {
			return "", Usagef("HOME is not set: set it, or give --ring and --kek-file")
		}
		base = filepath.Join(home, fallback)
	}
	return filepath.Join(base, "sealjwt", name), nil
}

// aURL matches a text that begins with a scheme and ://. It allows no dot in the scheme, since
// api.jwks://x and api.jwks:https://x are more likely files.
var aURL = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+-]*://`)

// IsURL reports whether a place is a URL.
func IsURL(place string) bool { return aURL.MatchString(place) }

// WithoutSecrets returns a place for messages: a URL without its query, user and password.
func WithoutSecrets(place string) string {
	if !IsURL(place) {
		return place
	}
	place, _, _ = strings.Cut(place, "?")
	scheme, rest, _ := strings.Cut(place, "://")
	authority, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	return scheme + "://" + authority[strings.LastIndexByte(authority, '@')+1:] + path
}
