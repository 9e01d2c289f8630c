package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// everything stands for all claims that are not visible in the list of a --to. It
// has to be written: a list that a script left empty must not mean all of them.
const everything = "*"

// recipient is one --to.
type recipient struct {
	path   string
	claims []string // those that it lists
	all    bool     // it lists everything
	keys   keys.PublicSource
}

func (r recipient) hasList() bool { return r.all || r.claims != nil }

func placesOf(to []recipient) []string {
	var places []string
	for _, r := range to {
		places = append(places, r.path)
	}
	return places
}

// parseRecipients reads what --to says: FILE or FILE:CLAIMS, or a URL in place of FILE.
func parseRecipients(flags []string) ([]recipient, error) {
	var to []recipient
	for _, text := range flags {
		r, err := parseRecipient(text)
		if err != nil {
			return nil, err
		}
		if url, ok := urlBefore(r.path); ok {
			return nil, usagef("--to %s: a name with a colon or a slash, or of digits only, cannot stand in its list, and a colon in the path of a URL is written %%3A: write --to '%s:*' for all that is not visible", withoutSecrets(text), withoutSecrets(url))
		}
		if file, ok := fileBefore(r.path); ok {
			return nil, usagef("--to %s: a name with a colon or a slash, or of digits only, cannot stand in its list: write --to '%s:*' for all that is not visible, or a single --to %[2]s; single ones are sealed from Go", text, file)
		}
		to = append(to, r)
	}
	return to, nil
}

// parseRecipient splits at the last colon, unless that is part of the path: of
// C:/x, of https://host/x, of https://host:8443 or of https://[::1].
func parseRecipient(text string) (recipient, error) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 || strings.ContainsAny(text[i:], "/]") || isDigits(text[i+1:]) {
		return recipient{path: text}, nil
	}
	r := recipient{path: text[:i]}
	list := text[i+1:]
	switch {
	case r.path == "":
		return r, usagef("--to %s names no file: write --to api.jwks%[1]s", text)
	case list == "":
		return r, usagef("--to %s lists no claims: write --to %[1]semail,address, or --to '%[1]s*' for all that is not visible", withoutSecrets(r.path)+":")
	case list == everything:
		r.all = true
		return r, nil
	}
	var err error
	if r.claims, err = splitNames(list); err != nil {
		return r, usagef("the claims of --to %s %w", withoutSecrets(text), err)
	}
	return r, nil
}

// urlBefore returns the URL that ends before a colon which is not that of its port. What
// follows was meant to be a list, or is a part of the URL: there is no telling which.
func urlBefore(path string) (url string, ok bool) {
	if !isURL(path) {
		return "", false
	}
	_, rest, _ := strings.Cut(path, "://")
	i := strings.IndexAny(rest, "/?#")
	if i < 0 {
		return "", false
	}
	before, _, ok := strings.Cut(rest[i:], ":")
	return path[:len(path)-len(rest)+i] + before, ok
}

// fileBefore returns the file that ends before some colon of a path that is none. What
// follows it was meant to be a list, of claims with URIs for names.
func fileBefore(path string) (file string, ok bool) {
	if isURL(path) || isFile(path) {
		return "", false
	}
	for i := range len(path) {
		if path[i] == ':' && isFile(path[:i]) {
			return path[:i], true
		}
	}
	return "", false
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// checkForm refuses what does not fit the form, in the words of the command line.
func (f sealFlags) checkForm(to []recipient) error {
	if f.selective {
		return f.checkSelective(to)
	}
	switch {
	case len(f.visible.names) > 0:
		return usagef("--visible is for the selective form: add --selective")
	case len(to) > 1:
		return usagef("a nested token has one recipient, and --to names %d: add --selective, or seal once for each", len(to))
	case len(to) == 1 && to[0].hasList():
		return usagef("--to lists claims, which is for the selective form: add --selective, or write --to %s", withoutSecrets(to[0].path))
	}
	return nil
}

func (f sealFlags) checkSelective(to []recipient) error {
	if len(f.replicate.names) > 0 {
		return usagef("--replicate is for the nested form: leave it out; in a selective token iss, sub and aud are readable anyway")
	}
	for _, r := range to {
		if len(to) > 1 && !r.hasList() {
			return usagef("--to %s is one of several and lists no claims: write --to %[1]s:email,address, or --to '%[1]s:*' for all that is not visible", withoutSecrets(r.path))
		}
		for _, name := range r.claims {
			if slices.Contains(f.visible.names, name) {
				return usagef("%q stands in --visible, where everybody reads it, and in --to %s: take it out of one of them", name, withoutSecrets(r.path))
			}
		}
	}
	return nil
}

// checkAudiences: one audience is everybody's; several are those of the recipients,
// one by one.
func (f sealFlags) checkAudiences(audiences []string, to []recipient) error {
	switch {
	case len(audiences) == 1:
		return nil
	case !f.selective:
		return usagef("a nested token has one audience, and here are %d: seal once for each, or add --selective", len(audiences))
	case len(audiences) != len(to):
		return usagef("%d audiences and %s: give one --aud for all of them, or one for each --to, in the same order",
			len(audiences), count(int64(max(1, len(to))), "recipient"))
	}
	return nil
}

// recipientKeys are the public keys that --to names. It makes sure that there is one that
// --enc and the form allow.
func (a *app) recipientKeys(ctx context.Context, place string, f sealFlags) (keys.PublicSource, error) {
	source, err := a.publicKeys(ctx, place, keys.UseEnc, f.fetchFlags)
	if err != nil {
		return nil, err
	}
	set, err := source.PublicKeys(ctx, "")
	if err != nil {
		return nil, err
	}
	place = withoutSecrets(place)
	k, err := set.EncryptionKey(f.enc.suites...)
	if err != nil {
		return nil, &failure{err: fmt.Errorf("%s: %w", place, err), advice: "name in --enc an algorithm that it has, or ask the other party for such a key"}
	}
	if f.selective && k.ID() == "" {
		err := fmt.Errorf("%s: %w: its key has no kid, and the recipient of a selective token finds by kid what is sealed to it", place, keys.ErrNoKey)
		return nil, &failure{err: err, advice: "ask the other party to publish a kid, or leave out --selective"}
	}
	return source, nil
}

// recipients are those of a token: the ring itself if there are no others.
func (j sealJob) recipients(ring *keyring.Ring) []seal.SelectiveRecipient {
	if len(j.to) == 0 {
		return []seal.SelectiveRecipient{{Audience: j.file.audiences[0], Keys: ring, Suites: j.flags.enc.suites}}
	}
	var list []seal.SelectiveRecipient
	for i, r := range j.to {
		audience := j.file.audiences[0]
		if len(j.file.audiences) > 1 {
			audience = j.file.audiences[i]
		}
		list = append(list, seal.SelectiveRecipient{Audience: audience, Keys: r.keys, Suites: j.flags.enc.suites, Reads: r.claims, ReadsAll: r.all})
	}
	return list
}

// fieldFlags are the flags that fill the fields of the library's configurations.
var fieldFlags = map[string]string{
	"Visible": "--visible", "Replicate": "--replicate", "Require": "--require", "Type": "--typ", "Trust[0].Type": "--typ", "AllowReadable": "--allow-readable",
	"Limits.Lifetime": "--ttl", "Limits.Pad": "--pad", "Limits.MaxLifetime": "--max-lifetime",
	"Trust[0].AllowMissing": "--allow-missing", "AllowMissing": "--allow-missing", "Limits.MaxHeader": "--max-header",
}

// flagNames are the words of the library's advice, and what they are called here.
var flagNames = strings.NewReplacer(
	"in AllowReadable", "in --allow-readable",
	"Visible names", "--visible names",
	"in Visible", "in --visible",
	"in the Reads of a recipient", "in the list of a --to",
	"correct the list", "correct the list of its --to",
)

// inFlags rewords an error of the library about values that flags gave, so that its text
// names the flags.
func inFlags(err error) error {
	text := flagNames.Replace(err.Error())
	if c, ok := errors.AsType[*seal.ConfigError](err); ok {
		text = seal.ErrConfig.Error() + ": " + flagOf(c.Field) + " " + c.Problem
	}
	if c, ok := errors.AsType[*open.ConfigError](err); ok {
		text = open.ErrConfig.Error() + ": " + flagOf(c.Field) + " " + c.Problem
	}
	if text == err.Error() {
		return err
	}
	code, _ := describe(err)
	return &failure{err: &reworded{text, err}, code: code}
}

// flagOf returns the flag that fills a field of a configuration, or the field itself.
func flagOf(field string) string {
	if strings.HasPrefix(field, "Recipient") {
		return "--to"
	}
	return cmp.Or(fieldFlags[field], field)
}

// reworded is an error under another text.
type reworded struct {
	text string
	err  error
}

func (r *reworded) Error() string { return r.text }
func (r *reworded) Unwrap() error { return r.err }
