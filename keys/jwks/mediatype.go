package jwks

import (
	"cmp"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// kindOf returns the media type of an answer, empty if an error must not name it, and whether
// that type passes. An answer without a Content-Type counts as application/octet-stream, RFC
// 9110 section 8.3.
func (g getter) kindOf(h http.Header) (kind string, passes bool) {
	kind, _, err := mime.ParseMediaType(cmp.Or(h.Get("Content-Type"), "application/octet-stream"))
	if err != nil || !mediaType.MatchString(kind) {
		return "", false
	}
	return kind, kind == "application/json" || kind == "application/jwk-set+json" || slices.Contains(g.types, kind)
}

// mediaType matches the media types that may stand in an error text and in AllowContentType. A
// reader may paste them into a shell, so characters that a shell acts on are left out.
var mediaType = regexp.MustCompile(`^[a-z0-9][a-z0-9._+-]{0,62}/[a-z0-9][a-z0-9._+-]{0,62}$`)

// mediaTypes returns the media types of an AllowContentType in lower case.
func mediaTypes(allowed []string) ([]string, error) {
	var kinds []string
	for _, text := range allowed {
		kind := strings.ToLower(text)
		if !mediaType.MatchString(kind) {
			return nil, fmt.Errorf("%w: AllowContentType holds %q; it must hold media types such as text/plain, without parameters and without wildcards",
				ErrConfig, printable(text))
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
}

// wrongType returns the error for an answer whose Content-Type does not pass. The text is about
// the type and not about the content, because a proxy may answer every request with a login page.
// kind is the media type of an answer whose content can be used: the text then advises to allow
// that type. kind is empty if allowing the type would not help.
func wrongType(kind string) error {
	const text = "the answer's Content-Type is neither application/jwk-set+json nor application/json"
	if kind == "" {
		return causef(ReasonContentType, text)
	}
	return &cause{error: errors.New(text + ", but its content is usable if " + kind + " is allowed"), reason: ReasonContentType, kind: kind}
}
