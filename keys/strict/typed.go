package strict

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Text returns the string value of the named member, and whether there is such a
// member. If it is anything else, null included, the error is a [*MemberError].
func (o Object) Text(name string) (s string, ok bool, err error) {
	b, ok, err := o.TextBytes(name)
	return string(b), ok, err
}

// TextBytes returns the bytes of [Object.Text]. It does not copy a string that has no
// escapes, so the caller must not change the bytes.
func (o Object) TextBytes(name string) (b []byte, ok bool, err error) {
	raw, ok := o.Raw(name)
	if !ok {
		return nil, false, nil
	}
	b, isString := unquote(raw)
	if !isString {
		return nil, true, &MemberError{name, "is not a string"}
	}
	return b, true, nil
}

// Strings returns the named member, a string or an array of strings such as aud
// in RFC 7519 section 4.1.3, and whether there is such a member. A string is
// returned as one element; an empty array is returned empty and not nil. If the
// member or an element is anything else, null included, or if there are more than
// [MaxStrings], the error is a [*MemberError].
func (o Object) Strings(name string) (ss []string, ok bool, err error) {
	raw, ok := o.Raw(name)
	if !ok {
		return nil, false, nil
	}
	if s, isString := unquote(raw); isString {
		return []string{string(s)}, true, nil
	}
	items, isArray := elements(raw, MaxStrings+1)
	if len(items) > MaxStrings {
		return nil, true, &MemberError{name, "has too many elements"}
	}
	ss = make([]string, 0, len(items))
	var all strings.Builder // one allocation for all strings, since there may be a thousand
	all.Grow(len(raw))
	for _, item := range items {
		s, isString := unquote(item)
		start := all.Len()
		all.Write(s)
		ss, isArray = append(ss, all.String()[start:]), isArray && isString
	}
	if !isArray {
		return nil, true, &MemberError{name, "is not a string or an array of strings"}
	}
	return ss, true, nil
}

// Object returns the object value of the named member, and whether there is such a
// member. If it is anything else, null included, the error is a [*MemberError].
func (o Object) Object(name string) (inner Object, ok bool, err error) {
	raw, ok := o.Raw(name)
	if !ok {
		return Object{}, false, nil
	}
	inner, err = parse(raw, o.open().foldTo)
	if err != nil {
		return Object{}, true, &MemberError{name, "is not an object"}
	}
	return inner, true, nil
}

// Array returns the raw elements of the array in the named member, and whether there is
// such a member. An empty array is returned empty and not nil. If the member is
// anything else, null included, the error is a [*MemberError].
func (o Object) Array(name string) (items []json.RawMessage, ok bool, err error) {
	raw, ok := o.Raw(name)
	if !ok {
		return nil, false, nil
	}
	items, isArray := elements(raw, MaxValues)
	if !isArray {
		return nil, true, &MemberError{name, "is not an array"}
	}
	return items, true, nil
}

// unquote returns the characters of a value that the scanner has accepted, and reports whether the
// value is a string.
func unquote(raw []byte) ([]byte, bool) {
	if raw[0] != '"' {
		return nil, false
	}
	end := len(raw) - 1
	body := raw[1:end:end]
	if bytes.IndexByte(body, '\\') >= 0 {
		body = appendUnescaped(make([]byte, 0, len(body)), body)
	}
	return body, true
}

// elements returns the first elements of a value that the scanner has accepted, up to the number
// most, and reports whether the value is an array.
func elements(raw []byte, most int) ([]json.RawMessage, bool) {
	s := newScanner(raw)
	defer s.release()
	s.keep = most
	items := []json.RawMessage{}
	if err := s.array(1, &items); err != nil {
		return nil, false
	}
	return items, true
}
