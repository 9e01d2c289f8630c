package open

import (
	"cmp"
	"fmt"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// Issuer is a party whose tokens we accept.
type Issuer struct {
	// ID is the iss of the issuer's tokens. The iss must be exactly this text.
	ID string

	// Keys are the issuer's public keys.
	Keys keys.PublicSource

	// Type is the typ of the issuer's signed tokens. When empty it is DefaultType in the
	// nested form, and DefaultSelectiveType in the selective form.
	Type string

	// AllowMissing says what the issuer's signed tokens may lack: Type, Expiry and KeyID.
	AllowMissing Missing
}

// trusted returns the issuers by their ID, and the length in bytes that no iss of theirs exceeds in
// JSON, where each byte may be spelled as an escape of six characters.
func (s *settings) trusted() (trust map[string]Issuer, longest int, err error) {
	if len(s.trust) == 0 {
		return nil, 0, configError("Trust", "is required: the issuers whose tokens are accepted")
	}
	trust = make(map[string]Issuer, len(s.trust))
	for i, issuer := range s.trust {
		field := fmt.Sprintf("Trust[%d]", i)
		if _, twice := trust[issuer.ID]; twice {
			return nil, 0, configError(field+".ID", "is %q, which stands in Trust already", issuer.ID)
		}
		if issuer.Type == "" && s.selective {
			issuer.Type = DefaultSelectiveType
		}
		issuer.Type = cmp.Or(issuer.Type, DefaultType)
		if err := issuer.check(field, len(s.require) > 0); err != nil {
			return nil, 0, err
		}
		trust[issuer.ID] = issuer
		longest = max(longest, len(`""`)+len(issuer.ID)*len(`\u0000`))
	}
	return trust, longest, nil
}

// check checks one issuer of Trust.
func (i Issuer) check(field string, requires bool) error {
	if i.ID == "" {
		return configError(field+".ID", "is required: the iss of the issuer's tokens")
	}
	if isNil(i.Keys) {
		return configError(field+".Keys", "is required: the issuer's public keys")
	}
	if !strict.IsMediaType(i.Type) {
		return configError(field+".Type", "must be a media type, such as sealed+jwt")
	}
	if wrong := i.AllowMissing &^ allowedAtIssuer; wrong != 0 {
		return configError(field+".AllowMissing", "has %v: it takes %v", wrong, allowedAtIssuer)
	}
	if i.AllowMissing&Type != 0 && !requires {
		return configError(field+".AllowMissing", "has open.Type, which needs a Require: without typ, only a sealed claim tells one kind of token from another")
	}
	return nil
}

// issuerOf returns the issuer that the payload names. The payload is not verified yet:
// its iss only decides whose keys may verify it.
func (o *Opener) issuerOf(payload strict.Object) (Issuer, error) {
	// The length is checked before iss is decoded: any sender can make us read an iss.
	if raw, _ := payload.Raw("iss"); len(raw) > o.longestIssuer {
		return Issuer{}, refuse(ErrIssuer, "iss has %d characters, more than any that is trusted", len(raw))
	}
	iss, _, _ := payload.TextBytes("iss") // empty, and so never trusted, if it is not a string
	issuer, trusted := o.trust[string(iss)]
	if !trusted {
		return Issuer{}, refuse(ErrIssuer, "iss is %s (not verified); trusted: %s", quote(iss), quoteList(o.trusted()))
	}
	return issuer, nil
}

// trusted returns the IDs of the trusted issuers in the order of Trust.
func (o *Opener) trusted() []string {
	var ids []string
	for _, i := range o.cfg.trust {
		ids = append(ids, i.ID)
	}
	return ids
}
