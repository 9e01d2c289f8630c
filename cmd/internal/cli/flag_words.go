package cli

import (
	"cmp"
	"errors"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

// fieldFlags maps a field of a configuration of package seal or open to the flag that fills it.
var fieldFlags = map[string]string{
	"Visible": "--visible", "Replicate": "--replicate", "Require": "--require", "Type": "--typ", "Trust[0].Type": "--typ", "AllowReadable": "--allow-readable",
	"Limits.Lifetime": "--ttl", "Limits.Pad": "--pad", "Limits.MaxLifetime": "--max-lifetime",
	"Trust[0].AllowMissing": "--allow-missing", "AllowMissing": "--allow-missing", "Limits.MaxHeader": "--max-header",
	"Reads": "the list of a --to",
}

// inFlags returns an error of the library with a text that names flags of this command instead of
// fields of the library's configuration.
func inFlags(err error) error {
	var text string
	if advice, ok := errors.AsType[*seal.AdviceError](err); ok {
		text = advice.Text(flagOf)
	} else if c, ok := errors.AsType[*seal.ConfigError](err); ok {
		text = seal.ErrConfig.Error() + ": " + flagOf(c.Field) + " " + c.Problem
	} else if c, ok := errors.AsType[*open.ConfigError](err); ok {
		text = open.ErrConfig.Error() + ": " + flagOf(c.Field) + " " + c.Problem
	} else {
		return err
	}
	return &console.Failure{Err: &reworded{text, err}, Code: console.Code(err)}
}

// flagOf returns the flag that fills a field of a configuration, or the field itself.
func flagOf(field string) string {
	if strings.HasPrefix(field, "Recipient") {
		return "--to"
	}
	return cmp.Or(fieldFlags[field], field)
}

// reworded is the error err with another text.
type reworded struct {
	text string
	err  error
}

func (r *reworded) Error() string { return r.text }
func (r *reworded) Unwrap() error { return r.err }
