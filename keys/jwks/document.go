package jwks

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// document is a set as it is served.
type document struct {
	set  *keys.PublicSet // of which it was made
	body []byte
	etag string
}

func newDocument(set *keys.PublicSet, use keys.Use) (*document, error) {
	served := set
	if use != "" {
		served = set.ForUse(use)
	}
	body, err := json.Marshal(served)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return &document{set, body, `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`}, nil
}

// serve answers with the body, or that it is the same (RFC 9110 section 13.1.2). No
// Last-Modified: within its second, two sets would pass for one. No other condition and no
// range is heeded: a shared cache may store what they make of the answer, a 412 or a
// piece, and hand it to everybody, and anybody can ask.
func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", d.etag)
	asked := r.WithContext(r.Context()) // whose header is not the caller's
	// Several lines are one list, RFC 9110 section 5.3, of which ServeContent reads the first.
	asked.Header = http.Header{"If-None-Match": {strings.Join(r.Header.Values("If-None-Match"), ", ")}}
	http.ServeContent(w, asked, "", time.Time{}, bytes.NewReader(d.body))
}
