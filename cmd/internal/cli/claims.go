package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal"
)

// maxClaims is the length in bytes of the longest claims file. A token holds far less; the rest
// is room for white space.
const maxClaims = 1 << 20

// Advice for a text that does not hold claims.
const (
	tooMuch   = "keep an id in the token and the rest in a database"
	oneObject = "claims are one JSON object, with unique names and in UTF-8"
)

// claimsFile is a claims file, taken apart.
type claimsFile struct {
	issuer    string
	audiences []string // at least one
	claims    seal.Claims
}

// takenOut are the members that the claims file may have, but that must not be custom claims,
// because the sealer writes them itself.
var takenOut = []string{"iss", "sub", "aud", "nbf", "jti"}

// readClaims reads a claims file, which holds one JSON object. Flags add the members that it
// lacks.
func (a *App) readClaims(args []string, flags claimsFlags) (claimsFile, error) {
	in, err := a.Read(args, maxClaims)
	if errors.Is(err, console.ErrTooLong) {
		return claimsFile{}, &console.Failure{Err: err, Code: console.ExitUsage, Advice: tooMuch}
	}
	if err != nil {
		return claimsFile{}, err
	}
	if len(in.Data) == 0 {
		return claimsFile{}, console.Usagef("%s is empty: give one JSON object with the claims", in.Name)
	}
	o, err := strict.ParseClaims(in.Data)
	if bad, ok := errors.AsType[*strict.Error](err); ok {
		line, column := position(in.Data, bad.Offset)
		return claimsFile{}, console.Usagef("%s:%d:%d: %s: %s", in.Name, line, column, bad.Reason, oneObject)
	}
	if err != nil {
		return claimsFile{}, console.Usagef("%s: %w", in.Name, err)
	}
	return takeApart(o, flags)
}

func takeApart(o strict.Object, flags claimsFlags) (claimsFile, error) {
	for _, name := range []string{"iat", "exp"} {
		if _, ok := o.Raw(name); ok {
			return claimsFile{}, console.Usagef("the claims have %s, which sealing writes: take it out, and set the lifetime with --ttl 15m", name)
		}
	}
	var f claimsFile
	var err error
	for _, m := range []struct {
		name, flag string
		dst        *string
	}{
		{"iss", flags.issuer, &f.issuer},
		{"sub", flags.subject, &f.claims.Subject},
		{"jti", "", &f.claims.ID},
	} {
		if *m.dst, err = fromBoth(o, m.name, m.flag); err != nil {
			return claimsFile{}, err
		}
	}
	if f.audiences, err = audiences(o, flags.audiences); err != nil {
		return claimsFile{}, err
	}
	switch {
	case f.issuer == "" && len(f.audiences) == 0:
		return claimsFile{}, console.Usagef("the issuer and the audience are missing: " +
			"add --iss https://id.example.com --aud https://api.example.com, or the members iss and aud to the claims")
	case f.issuer == "":
		return claimsFile{}, console.Usagef("the issuer is missing: add --iss https://id.example.com, or an iss member to the claims")
	case len(f.audiences) == 0:
		return claimsFile{}, console.Usagef("the audience is missing: add --aud https://api.example.com, or an aud member to the claims")
	}
	if f.claims.NotBefore, err = notBefore(o); err != nil {
		return claimsFile{}, err
	}
	f.claims.Custom, err = customClaims(o)
	return f, err
}

// fromBoth returns the value of a member of the file, or the value of its flag if the file does not
// have the member. It refuses a member that is empty or not a string, and a file and a flag with
// different values.
func fromBoth(o strict.Object, name, flag string) (string, error) {
	found, ok, err := o.Text(name)
	switch {
	case err != nil:
		return "", console.Usagef("%s in the claims must be a string", name)
	case !ok:
		return flag, nil
	case found == "":
		return "", console.Usagef("%s in the claims is empty: fill it in or take it out", name)
	case flag != "" && flag != found:
		return "", console.Usagef("--%s contradicts the %[1]s in the claims: leave one of them out", name)
	}
	return found, nil
}

// audiences returns the audiences in the file, or the audiences of the flags if the file does not
// have aud. It refuses an aud that is empty, of another type, or different from the flags.
func audiences(o strict.Object, flags []string) ([]string, error) {
	found, ok, err := o.Strings("aud")
	switch {
	case err != nil:
		return nil, console.Usagef("aud in the claims must be a string or an array of strings")
	case !ok:
		return flags, nil
	case len(found) == 0 || slices.Contains(found, ""):
		return nil, console.Usagef("aud in the claims is empty: fill it in or take it out")
	case len(flags) > 0 && !slices.Equal(flags, found):
		return nil, console.Usagef("--aud contradicts the aud in the claims: leave one of them out")
	}
	return found, nil
}

func notBefore(o strict.Object) (time.Time, error) {
	nbf, ok, err := o.NumericDate("nbf")
	if err != nil || ok && nbf.Nanosecond() != 0 {
		return time.Time{}, console.Usagef("nbf in the claims must be a number of whole seconds since 1970")
	}
	return nbf, nil
}

// customClaims returns the members of the file that are not in takenOut, in their order. Every
// number stays as the file spells it: 84.50 must not become 84.5.
func customClaims(o strict.Object) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for name, value := range o.All() {
		if slices.Contains(takenOut, name) {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		text, err := json.Marshal(name)
		if err != nil {
			return nil, fmt.Errorf("a claim's name: %w", err)
		}
		b.Write(text)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// position returns the line and the column of a byte, both from 1. The column counts characters.
func position(data []byte, offset int) (line, column int) {
	before := data[:min(offset, len(data))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

// claimsFlags are the flags that stand for members of the claims file.
type claimsFlags struct {
	issuer, subject string
	audiences       []string
}
