package forge

import (
	"encoding/json"
	"slices"
	"strings"
)

// Object is a JSON object as a list of members, so that a test can repeat a member, or
// spell it in any way. A copy of an Object has members of its own as soon as either is
// changed.
type Object struct {
	Members []Member
	Edit    func(text string) string // of the finished text; nil for none
}

// Member is a name, without quotes and as it is spelled, and the JSON text of its
// value.
type Member struct{ Name, Raw string }

// NewObject returns an object with these members: the name of one, its value, and so on.
func NewObject(namesAndValues ...string) (o Object) {
	for pair := range slices.Chunk(namesAndValues, 2) {
		o.Add(pair[0], pair[1])
	}
	return o
}

// Set replaces the member, or adds it at the end.
func (o *Object) Set(name, raw string) {
	if i := o.Index(name); i >= 0 {
		o.Members = slices.Clone(o.Members)
		o.Members[i].Raw = raw
		return
	}
	o.Add(name, raw)
}

// Add adds the member, even if the object has one of that name.
func (o *Object) Add(name, raw string) { o.Members = append(slices.Clip(o.Members), Member{name, raw}) }

// Remove removes every member of that name.
func (o *Object) Remove(name string) {
	o.Members = slices.DeleteFunc(slices.Clone(o.Members), func(m Member) bool { return m.Name == name })
}

// Raw returns the text of the member's value, empty if there is none.
func (o *Object) Raw(name string) string {
	if i := o.Index(name); i >= 0 {
		return o.Members[i].Raw
	}
	return ""
}

// Index returns the place of the first member of that name, or -1.
func (o *Object) Index(name string) int {
	return slices.IndexFunc(o.Members, func(m Member) bool { return m.Name == name })
}

// Say makes text the whole text of the object.
func (o *Object) Say(text string) { o.Edit = func(string) string { return text } }

// Text returns the object as JSON.
func (o *Object) Text() string {
	members := make([]string, 0, len(o.Members))
	for _, m := range o.Members {
		members = append(members, `"`+m.Name+`":`+m.Raw)
	}
	return apply(o.Edit, "{"+strings.Join(members, ",")+"}")
}

// Pad adds white space until the length of the text in bytes fits: base64url has spare
// bits only for some lengths.
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

// Quoted returns a JSON string.
func Quoted(s string) string { return string(must(json.Marshal(s))) }

func apply(bend func(string) string, text string) string {
	if bend == nil {
		return text
	}
	return bend(text)
}
