package leak

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// ErrNotToken is the error of [Read] for a text without a token.
var ErrNotToken = errors.New("leak: not a token")

// notToken is ErrNotToken with the reason.
type notToken struct{ reason string }

func (e *notToken) Error() string        { return e.reason }
func (e *notToken) Is(target error) bool { return target == ErrNotToken }

// Read reads the first token in a text without any key. The text is what a person pastes: a
// token alone, or with white space, quotation marks, a scheme or a URL around it, in any
// encoding.
//
// The error is [ErrNotToken] for a text without a token. Its text gives the reason and holds
// nothing of the input. A text longer than 1 MiB is not read.
func Read(text string) (*Unverified, error) {
	if len(text) > 4*maxToken {
		return nil, &notToken{"it is " + string(LimitLength) + ": that is not a token"}
	}
	clean, encoding := text, ""
	if strings.ContainsRune(text, 0) || !isASCII(text) {
		clean, encoding, _ = asText([]byte(text))
	}
	if len(clean) > maxToken {
		return nil, &notToken{"it is " + string(LimitLength) + ": that is not a token"}
	}
	r := &reading{}
	first, others := r.firstToken(clean)
	switch {
	case (first == nil || first.encoded) && r.remains(clean):
		first = nil
	case first == nil:
		return nil, &notToken{whyNot(clean)}
	default:
		r.queue("token", first.token)
	}
	r.run()
	outer := &r.u.Layers[0]
	if encoding != "" {
		outer.Faults = append([]string{"the token " + encoding}, outer.Faults...)
	}
	if fault := around(clean, first, others); fault != "" {
		outer.Faults = append([]string{fault}, outer.Faults...)
	}
	return &r.u, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// reading is one call of Read.
type reading struct {
	u        Unverified
	texts    []string // texts[i] is the text of Layers[i], empty when it was read
	done     int
	findings int
}

func (r *reading) limit(l Limit) {
	for _, known := range r.u.Limits {
		if known == l {
			return
		}
	}
	r.u.Limits = append(r.u.Limits, l)
}

// found adds a finding to a list, up to the limit.
func (r *reading) found(list *[]pii.Finding, f pii.Finding) {
	if r.findings++; r.findings > maxFindings {
		r.limit(LimitFindings)
		return
	}
	*list = append(*list, f)
}

// queue adds a layer, which run reads later.
func (r *reading) queue(where, token string) {
	if len(r.u.Layers) == maxLayers {
		r.limit(LimitLayers)
		return
	}
	r.u.Layers = append(r.u.Layers, Layer{Where: where, Length: len(token)})
	r.texts = append(r.texts, token)
}

// progress is how far a reading has come: layers and findings.
type progress struct{ layers, findings int }

func (r *reading) mark() progress { return progress{len(r.u.Layers), r.findings} }

// instead queues a token as a layer and drops the findings since the mark: the layer has them, since
// it judges each member as it is written, unless what the member encodes is read. ok is false if no more layers are taken; the findings then stay.
func (r *reading) instead(since progress, where, token string) (ok bool) {
	if since.layers == maxLayers {
		r.limit(LimitLayers)
		return false
	}
	r.u.Layers, r.texts, r.findings = r.u.Layers[:since.layers], r.texts[:since.layers], since.findings
	r.queue(where, token)
	return true
}

// run reads the layers. Reading one may add others.
func (r *reading) run() {
	for ; r.done < len(r.texts); r.done++ {
		text := r.texts[r.done]
		r.texts[r.done] = ""
		l := r.u.Layers[r.done] // a copy: the list grows
		switch {
		case l.Form != "": // it was read with the token that it belongs to
		case strings.HasPrefix(text, "{"):
			r.readJSON(&l, text)
		default:
			r.readCompact(&l, text)
		}
		r.u.Layers[r.done] = l
	}
	r.bind()
}

// tokensIn queues the tokens in a text, and returns the text without them.
func (r *reading) tokensIn(where func() string, text string) (rest string) {
	var without strings.Builder
	end := 0
	for _, h := range hitsIn(text) {
		if h.limit != "" {
			r.limit(h.limit)
			continue
		}
		without.WriteString(text[end:max(end, h.start)])
		end = max(end, h.end)
		if len(r.u.Layers) == maxLayers {
			r.limit(LimitLayers)
			continue
		}
		r.queue(where(), h.token)
	}
	without.WriteString(text[end:])
	return without.String()
}

// remains adds a layer for what remains of a token: a header alone, or the claims behind a header
// that is damaged. It reports whether there is such a text.
func (r *reading) remains(text string) bool {
	text = strings.TrimSpace(text)
	parts := strings.Split(text, ".")
	if len(parts) > partsJWE {
		return false
	}
	header, _ := decode(nil, parts[0])
	if _, ok := isHeader(header); !ok && !(len(parts) == partsJWS && holdsClaims([]byte(parts[1]))) {
		return false
	}
	r.u.Layers = append(r.u.Layers, Layer{Where: "token", Length: len(text)})
	r.texts = append(r.texts, text)
	return true
}

// holdsClaims reports whether a part is a JSON object that has members.
func holdsClaims(part []byte) bool {
	b, _ := decode(nil, part)
	text, _, _ := asText(b)
	p, n := lax{text: text}, 0
	return p.object(func(string) bool { n++; return p.skip() }) && p.atEnd() && n > 0
}

// whyNot says why a text cannot be a token. It holds nothing of the text.
func whyNot(text string) string {
	text = strings.TrimSpace(text)
	parts := strings.Split(text, ".")
	switch n := len(parts); {
	case text == "":
		return "the input is empty"
	case text[0] == '{':
		return "this is JSON, but not a token in the JSON serialization: a token is parts with dots between them"
	case n != partsJWS && n != partsJWE:
		return wrongParts(n)
	}
	for i, name := range partNames[len(parts)] {
		if _, how := decode(nil, parts[i]); how != (spelling{}) {
			return how.fault(fmt.Sprintf("part %d (%s)", i+1, strings.ReplaceAll(name, "_", " ")))
		}
	}
	header, _ := decode(nil, parts[0])
	if _, err := strict.ParseObject(header); err != nil {
		return "its header is not one JSON object: " + reason(err)
	}
	return "its header names no alg"
}
