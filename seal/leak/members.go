package leak

import (
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/seal/pii"
)

// walk reads one object of a layer, header or claims: its members, what in them is personal data,
// and the tokens that stand in them. It takes linear time.
type walk struct {
	lax
	r      *reading
	where  string // the kind of place, such as token claim
	header bool

	m     *Member // of the outermost object, that the walk is in
	quiet int     // above 0 in a value that is personal by its name, which is one finding
}

// members reads the object and appends its members to a list. whole is false if there is anything
// else than one object.
func (r *reading) members(list *[]Member, where string, header bool, text string) (whole bool) {
	w := walk{lax: lax{text: text}, r: r, where: where, header: header}
	whole = w.members(list)
	return whole && w.atEnd()
}

func (w *walk) members(to *[]Member) (whole bool) {
	var top pii.Place
	var jwk key
	var names serialNamesSeen
	hasAlg := false
	w.peek()
	before, from, first := w.r.mark(), w.i, len(*to)
	last := 0 // findings of the last member of the object before
	if first > 0 {
		last = len((*to)[first-1].Personal)
	}
	whole = w.object(func(name string) bool {
		more := len(*to) < maxMembers
		if more {
			*to = append(*to, Member{Name: name})
		} else {
			w.r.limit(LimitMembers) // the last member has the findings of those that follow it
		}
		w.m = &(*to)[len(*to)-1]
		hasAlg = hasAlg || strings.EqualFold(name, "alg")
		names.note(name, w.peek())
		start := w.i
		ok := w.member(&top, name, 0, &jwk)
		if more {
			w.m.Value = asJSON(w.text[start:w.i])
		}
		return ok
	})
	list := (*to)[first:]
	if names.token() && w.r.instead(before, w.wholly(), w.text[from:w.i]) {
		for i := range list {
			list[i].Personal, list[i].HoldsToken = nil, true
		}
		if first == maxMembers {
			w.m.Personal, w.m.HoldsToken = w.m.Personal[:last], true
		}
		return whole
	}
	if name := jwk.private(); name != "" {
		if i := slices.IndexFunc(list, func(m Member) bool { return m.Name == name }); i >= 0 {
			w.m = &list[i]
		}
		at, _, _ := top.Member(name)
		w.add(&at, pii.PrivateKey)
	}
	if w.header && hasAlg {
		for i := range list { // the zip of a header is an algorithm, RFC 7516 section 4.1.3
			if m := &list[i]; m.Name == "zip" {
				m.Personal = slices.DeleteFunc(m.Personal, func(f pii.Finding) bool { return f.Kind == pii.Address })
			}
		}
	}
	return whole
}

// member reads the value of one member of the object at in.
func (w *walk) member(in *pii.Place, name string, depth int, jwk *key) (ok bool) {
	at, kind, personal := in.Member(name)
	if w.tokens(&at, name) != name {
		w.m.HoldsToken = true
	}
	if w.peek() == '"' {
		start := w.i
		text, ok := w.str()
		jwk.note(name, text)
		w.judge(&at, kind, personal, text, w.text[start:w.i])
		return ok
	}
	if personal {
		w.add(&at, kind)
		w.quiet++
		defer func() { w.quiet-- }()
	}
	return w.value(&at, depth+1)
}

// judge looks for tokens and personal data in a string. A token in it becomes a layer, where its
// contents count. So neither the text of the token is a finding here, nor a name such as id_token
// that announces it.
func (w *walk) judge(at *pii.Place, named pii.Kind, personal bool, text, spelled string) {
	rest := w.tokens(at, text)
	if rest != text {
		w.m.HoldsToken = true
		found, ok := pii.InText(rest)
		switch {
		case rest == "" || named == pii.Token && !ok:
			return
		case personal:
			w.add(at, named)
		case ok:
			w.add(at, found)
		}
		return
	}
	if !personal {
		named, personal = at.Value(text)
	}
	if !personal && len(spelled) == len(text)+1 { // the string breaks off
		named, personal = pii.InText(text)
	}
	if personal {
		w.add(at, named)
	}
}

func (w *walk) value(at *pii.Place, depth int) (ok bool) {
	if depth > maxDepth {
		return w.tooDeep(at)
	}
	switch w.peek() {
	case '{':
		return w.inner(at, depth)
	case '[':
		w.i++
		for i := 0; !w.take(']'); i++ {
			element := at.Element(i)
			if i > 0 && !w.take(',') || !w.value(&element, depth+1) {
				return false
			}
		}
		return true
	case '"':
		start := w.i
		text, ok := w.str()
		w.judge(at, "", false, text, w.text[start:w.i])
		return ok
	}
	literal := w.literal()
	if kind, personal := pii.InNumber(literal); personal {
		w.add(at, kind)
	}
	return literal != ""
}

// inner reads an object inside of a member. A private key in it is one finding, and a token in the
// JSON serialization is a layer.
func (w *walk) inner(at *pii.Place, depth int) (ok bool) {
	var jwk key
	var names serialNamesSeen
	before, from, personal := w.r.mark(), w.i, len(w.m.Personal)
	ok = w.object(func(name string) bool {
		names.note(name, w.peek())
		return w.member(at, name, depth, &jwk)
	})
	switch {
	case names.token() && w.r.instead(before, w.where+" "+at.Path(), w.text[from:w.i]):
		w.m.Personal, w.m.HoldsToken = w.m.Personal[:personal], true
	case jwk.private() != "":
		w.m.Personal = w.m.Personal[:personal]
		w.add(at, pii.PrivateKey)
	}
	return ok
}

// wholly returns the place of a token that is the whole object: for an object of claims the
// payload.
func (w *walk) wholly() string {
	if of, ok := strings.CutSuffix(w.where, " claim"); ok {
		return of + " payload"
	}
	return w.where
}

// tooDeep skips a value that is nested too deep, and looks for tokens and personal data in its JSON
// text.
func (w *walk) tooDeep(at *pii.Place) (ok bool) {
	w.r.limit(LimitDepth)
	start := w.i
	ok = w.skip()
	text := w.text[start:w.i]
	w.m.HoldsToken = true
	w.judge(at, "", false, text, "")
	return ok
}

func (w *walk) add(at *pii.Place, kind pii.Kind) {
	if w.quiet > 0 {
		return
	}
	w.r.found(&w.m.Personal, at.Finding(kind))
}

// tokens queues the tokens in a text, and returns the text without them.
func (w *walk) tokens(at *pii.Place, text string) (rest string) {
	if !mayHoldToken(text) {
		return text
	}
	return w.r.tokensIn(func() string { return w.where + " " + at.Path() }, text)
}

// key holds the members of a JWK that tell whether it is a private or symmetric key (RFC 7518
// sections 6.2.2, 6.3.2 and 6.4).
type key struct{ kty, d, k string }

func (j *key) note(name, value string) {
	switch name {
	case "kty":
		j.kty = value
	case "d":
		j.d = value
	case "k":
		j.k = value
	}
}

// private returns the name of the member with the private or symmetric key, or nothing.
func (j *key) private() string {
	switch {
	case j.kty == "oct" && j.k != "":
		return "k"
	case j.kty != "" && j.kty != "oct" && j.d != "":
		return "d"
	}
	return ""
}
