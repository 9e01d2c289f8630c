package seal

import (
	"context"
	"fmt"
	"slices"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/strict"
)

// visible returns the custom claims that stay in clear, as one JSON object.
func (s *Sealer) visible(custom strict.Object) []byte {
	object := []byte("{")
	for name, value := range custom.All() {
		if slices.Contains(s.cfg.visible, name) {
			object = strict.AppendMember(object, name, value)
		}
	}
	return append(object, '}')
}

// appendSealedTo appends the sealed claims that the i-th recipient may read, as one JSON object.
func (s *Sealer) appendSealedTo(object []byte, i int, set claimsSet) ([]byte, error) {
	r := s.cfg.recipients[i]
	object = append(object, '{')
	for name, value := range set.custom.All() {
		if !slices.Contains(s.cfg.visible, name) && r.reads(name) {
			object = strict.AppendMember(object, name, value)
		}
	}
	for _, name := range r.Reads {
		// Without this check a misspelled name in Reads would leave the recipient without the
		// claim, and no error would tell.
		if _, ok := set.custom.Raw(name); !ok {
			return nil, adviseError(ErrClaims, fmt.Sprintf("%q is to be sealed to recipient %d (%q) and is not there: correct ", name, i+1, r.Audience),
				"Reads", ", or give the claim as null")
		}
	}
	return append(object, '}'), nil
}

// checkAssigned refuses a custom claim that is neither visible nor sealed to any recipient, and
// a claim that is not visible though every verifier must read it.
func (s *Sealer) checkAssigned(set claimsSet) error {
	for name := range set.custom.All() {
		switch {
		case slices.Contains(s.cfg.visible, name):
		case isAlwaysReadable(name):
			return adviseError(ErrClaims, printable(name)+" cannot be sealed in a selective token: name it in ", "Visible")
		case !slices.ContainsFunc(s.cfg.recipients, func(r SelectiveRecipient) bool { return r.reads(name) }):
			return adviseError(ErrClaims, printable(name)+" is neither visible nor sealed to a recipient: name it in ", "Visible", ", or in ", "Reads")
		}
	}
	return nil
}

// selective encrypts the claims that are not visible, one JWE for each recipient, and signs
// the whole. The header of every JWE has the iss and the jti of this token, which bind the
// JWE to it: the encryption authenticates the header.
func (s *Sealer) selective(ctx context.Context, m *scratch, set claimsSet, from *keys.Key) (err error) {
	if err := s.checkAssigned(set); err != nil {
		return err
	}
	h := protectedHeader{cty: "sealed-claims+json", iss: s.cfg.issuer, jti: set.id}
	for i, r := range s.cfg.recipients {
		m.payload = slices.Grow(m.payload[:0], m.claims.Len()+s.cfg.limits.Pad) // no recipient reads more than all claims
		if m.payload, err = s.appendSealedTo(m.payload, i, set); err != nil {
			return err
		}
		m.payload = pad(m.payload, s.cfg.limits.Pad)
		m.signed = append(m.signed, separator(i), '"')
		if m.signed, err = m.appendEncrypted(m.signed, m.to[i], r.Content, h, m.payload); err != nil {
			return err
		}
		m.signed = append(m.signed, '"')
		// Each recipient adds a copy of the claims that it reads. The size is checked here, so
		// that a token that is too long already costs no further encryption.
		if size := set.headSize + len(set.visible) + len(m.signed); size > s.cfg.limits.MaxSize {
			return fmt.Errorf("%w: the first %d of %d recipients need %d bytes, and at most %d are allowed",
				ErrTooLarge, i+1, len(m.to), size, s.cfg.limits.MaxSize)
		}
	}
	m.signed = append(m.signed, ']')
	payload := slices.Grow(m.payload[:0], set.headSize+len(set.visible)+len(`,"sealed":,`)+len(m.signed))
	payload = append(payload, m.claims.Bytes()[:set.headSize]...)
	payload = closed(append(payload, set.visible...), set.headSize)
	m.payload = append(strict.AppendMember(payload[:len(payload)-1], "sealed", m.signed), '}')
	if _, err := strict.ParseClaims(m.payload); err != nil {
		return fmt.Errorf("%w: too many claims and recipients", ErrClaims)
	}
	m.out, err = m.appendSigned(ctx, m.out, from, s.cfg.typ, m.payload)
	return err
}

// separator returns the byte before the i-th element of an array.
func separator(i int) byte {
	if i == 0 {
		return '['
	}
	return ','
}
