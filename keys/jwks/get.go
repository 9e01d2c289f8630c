package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// DefaultTimeout is how long a fetch may take when RemoteConfig.Timeout is zero.
	DefaultTimeout = 5 * time.Second
	// DefaultMaxBytes is the longest answer when RemoteConfig.MaxBytes is zero.
	DefaultMaxBytes = 1 << 20

	maxRedirects   = 3
	maxHeaderBytes = 64 << 10
)

// getter fetches within bounds.
type getter struct {
	client  *http.Client
	timeout time.Duration
	most    int64
}

var (
	errLeavesHost = errors.New("it redirects to another host or scheme; configure the URL that it redirects to, if you trust that one")
	errRedirects  = errors.New("it redirects too often")
)

// stayOnHost refuses what leads elsewhere: an open redirect at the issuer would let
// anybody choose the keys, or have us ask a service that only we can reach.
func stayOnHost(r *http.Request, via []*http.Request) error {
	from := via[0].URL
	if r.URL.Scheme != from.Scheme || !strings.EqualFold(r.URL.Host, from.Host) || r.URL.User != nil {
		return errLeavesHost
	}
	if len(via) > maxRedirects {
		return errRedirects
	}
	return nil
}

// answer is what a server said: 200 with a body, or another status without.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// get fetches a URL. Its error says what is wrong with the answer and quotes nothing of
// it.
func (g getter) get(ctx context.Context, u *url.URL, header http.Header) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return answer{}, ErrURL
	}
	r.Header = header
	// What is compressed a thousandfold would be unpacked before it can be measured.
	r.Header.Set("Accept-Encoding", "identity")
	res, err := g.client.Do(r)
	if err != nil {
		return answer{}, g.describe(err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.status != http.StatusOK {
		return a, nil
	}
	a.body, err = g.read(res)
	return a, err
}

func (g getter) read(res *http.Response) ([]byte, error) {
	if e := res.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, errors.New("the answer is compressed, though that was not asked for")
	}
	// A page to log in, which a proxy puts in place of everything, is worth a message of
	// its own.
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/jwk-set+json" {
		return nil, errors.New("the answer's Content-Type is neither application/jwk-set+json nor application/json")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, g.most+1))
	if err != nil {
		return nil, g.describe(err)
	}
	if int64(len(body)) > g.most {
		return nil, fmt.Errorf("the answer is longer than %d bytes", g.most)
	}
	return body, nil
}
