package seal

import "strings"

// AdviceError is an [ErrClaims] or an [ErrReadable] that names the fields of the
// configuration that would let the claims pass. A program whose users fill these fields by
// other means, such as flags, tells them its own names with Text.
type AdviceError struct {
	class error
	parts []string // a text and the name of a field in turn: names are at the odd indexes
}

// adviseError returns an AdviceError that wraps class: ErrClaims or ErrReadable. Every second
// part is the name of a field.
func adviseError(class error, parts ...string) error { return &AdviceError{class, parts} }

// Error returns the text with the field names of the Go configuration, such as AllowReadable.
func (e *AdviceError) Error() string {
	if e == nil {
		return "<nil>"
	}
	return e.Text(nil)
}

// Text returns the text with the name that nameOf gives to each field: AllowReadable,
// Visible or Reads. Without nameOf the fields have the names of the configuration.
func (e *AdviceError) Text(nameOf func(field string) string) string {
	if e == nil {
		return "<nil>"
	}
	var b strings.Builder
	b.WriteString(e.Unwrap().Error() + ": ")
	for i, part := range e.parts {
		if i%2 == 1 && nameOf != nil {
			part = nameOf(part)
		}
		b.WriteString(part)
	}
	return b.String()
}

// Unwrap returns ErrClaims or ErrReadable.
func (e *AdviceError) Unwrap() error {
	if e == nil || e.class == nil {
		return ErrClaims
	}
	return e.class
}
