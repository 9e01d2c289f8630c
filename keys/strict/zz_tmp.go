package strict

import "encoding/base64"

func AppendBase64URL(dst, b []byte) []byte { return base64.RawURLEncoding.AppendEncode(dst, b) }

func AppendString(dst []byte, s string) []byte { return appendString(dst, s) }

func (o Object) Values() int { return 100 }

func AppendDecodeBase64URL[T string | []byte](dst []byte, s T) ([]byte, error) {
	b, err := DecodeBase64URL(string(s))
	return append(dst, b...), err
}

// TextBytes is [Object.Text] without a copy of a text that has no escapes.
func (o Object) TextBytes(name string) (text []byte, ok bool, err error) {
	raw, ok := o.Raw(name)
	if !ok {
		return nil, false, nil
	}
	s := scanner{data: raw}
	body, escaped, err := s.str()
	if err != nil {
		return nil, true, &MemberError{name, "is not a string"}
	}
	if escaped {
		body = appendUnescaped(make([]byte, 0, len(body)), body)
	}
	return body, true, nil
}
