package forge

import (
	"encoding/json"
	"slices"
	"strings"
)

// Object is a JSON object as a list of members, so that a test can repeat a member or spell its
// name in any way. A method that changes an Object does not change the copies of it.
type Object struct {
	Members []Member
	Edit    func(text string) string // changes the finished text; may be nil
}

// Member is a name in its JSON spelling without quotes, and the JSON text of the value.
type Member struct{ Name, Raw string }

// NewObject returns an object with these members. The arguments are a name, the JSON text of its
// value, the next name, and so on.
func NewObject(namesAndValues ...string) (o Object) {
	for pair := range slices.Chunk(namesAndValues, 2) {
		o.Add(pair[0], pair[1])
	}
	return o
}

// Set replaces the value of the first member of that name, or adds a member at the end.
func (o *Object) Set(name, raw string) {
	if i := o.Index(name); i >= 0 {
		o.Members = slices.Clone(o.Members)
		o.Members[i].Raw = raw
		return
	}
	o.Add(name, raw)
}

// Add adds a member at the end, even if the object has one of that name.
func (o *Object) Add(name, raw string) { o.Members = append(slices.Clip(o.Members), Member{name, raw}) }

// Remove removes every member of that name.
func (o *Object) Remove(name string) {
	o.Members = slices.DeleteFunc(slices.Clone(o.Members), func(m Member) bool { return m.Name == name })
}

// Raw returns the JSON text of the first member of that name, or an empty text.
func (o *Object) Raw(name string) string {
	if i := o.Index(name); i >= 0 {
		return o.Members[i].Raw
	}
	return ""
}

// Index returns the index of the first member of that name, or -1.
func (o *Object) Index(name string) int {
	return slices.IndexFunc(o.Members, func(m Member) bool { return m.Name == name })
}

// Say makes Text return this text, whatever the members are.
func (o *Object) Say(text string) { o.Edit = func(string) string { return text } }

// Text returns the object as JSON.
func (o *Object) Text() string {
	members := make([]string, 0, len(o.Members))
	for _, m := range o.Members {
		members = append(members, `"`+m.Name+`":`+m.Raw)
	}
	return apply(o.Edit, "{"+strings.Join(members, ",")+"}")
}

// Pad makes Text add spaces until fits accepts the length of the text in bytes. A test needs it for
// base64url, which has spare bits for some lengths only.
func (o *Object) Pad(fits func(length int) bool) {
	before := o.Edit
	o.Edit = func(text string) string {
		text = apply(before, text)
		for !fits(len(text)) {
			text = text[:len(text)-1] + " }"
		}
		return text
	}
}

// Quoted returns s as a JSON string.
func Quoted(s string) string { return string(must(json.Marshal(s))) }

// apply returns bend of the text, or the text if bend is nil.
func apply(bend func(string) string, text string) string {
	if bend == nil {
		return text
	}
	return bend(text)
}
