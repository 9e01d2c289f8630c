package leak

import "strings"

// isWholly reports whether a text is a token in the JSON serialization and nothing else, which may
// hold further tokens.
func isWholly(text string) bool {
	p := lax{text: text}
	return p.skip() && p.atEnd() && isSerialized(text)
}

// firstToken returns the first token in a text, and whether there are others. Around a token
// limits may have been reached, and there may be more than is found.
func (r *reading) firstToken(text string) (first *hit, others bool) {
	if alone := strings.TrimSpace(text); strings.HasPrefix(alone, "{") && isWholly(alone) {
		return &hit{token: alone, end: len(alone)}, false
	}
	found := hitsIn(text)
	if strings.HasPrefix(text, "{") { // an entity in a string of the JSON must stay as it is
		if json := hitsOf([]byte(text)); len(json) > 0 && json[0].start == 0 {
			found = json
		}
	}
	for i := range found {
		switch h := &found[i]; {
		case h.limit != "":
			r.limit(h.limit)
		case first == nil:
			first = h
		default:
			others = true
		}
	}
	return first, others
}

// around returns the fault of the text around a token.
func around(text string, first *hit, others bool) string {
	switch {
	case first == nil:
		return ""
	case others:
		return "there is more than one token; this is the first one"
	case first.encoded:
		return "it is encoded once more, in Base64"
	case len(text) == first.end-first.start && text == first.token:
		return ""
	case len(text) == first.end-first.start:
		return "its lines are wrapped, or characters of it are escaped"
	case strings.TrimSpace(text) == first.token:
		return "there is white space in or around it: give the token alone, on one line"
	}
	return "there is other text around it"
}
