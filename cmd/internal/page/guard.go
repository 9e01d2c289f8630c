package page

import (
	"crypto/subtle"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/report"
)

// policy allows the style sheet and the script of the page, and requests to its own server.
var policy = "default-src 'none'; style-src " + report.Hash(style) + "; script-src " + report.Hash(script) +
	"; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// setHeaders adds the headers that every answer has, also a refusal.
func setHeaders(h http.Header) {
	for name, value := range map[string]string{
		"Cache-Control":                "no-store",
		"Content-Security-Policy":      policy,
		"Content-Type":                 "text/plain; charset=utf-8",
		"Cross-Origin-Embedder-Policy": "require-corp",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy":              "no-referrer",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
	} {
		h.Set(name, value)
	}
}

// refused is the answer to a request that the server refuses. Its text holds nothing of the
// request.
type refused struct {
	status int
	text   string
}

// route holds the methods and the handler of one path below the random path.
type route struct {
	methods []string
	answer  func(*server, http.ResponseWriter, *http.Request)
}

var routes = map[string]route{
	"":      {[]string{http.MethodGet, http.MethodPost}, (*server).page},
	"read":  {[]string{http.MethodPost}, (*server).read},
	"alive": {[]string{http.MethodGet}, (*server).alive},
}

// ServeHTTP answers requests that the page itself or a person made, and refuses all others.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	route, refusal := s.find(r)
	if refusal == nil && !slices.Contains(route.methods, r.Method) {
		w.Header().Set("Allow", strings.Join(route.methods, ", "))
		refusal = &refused{http.StatusMethodNotAllowed, "this method is not offered"}
	}
	if refusal == nil {
		refusal = s.check(r)
	}
	if refusal != nil {
		w.WriteHeader(refusal.status)
		w.Write([]byte(refusal.text + "\n"))
		return
	}
	s.touch()
	route.answer(s, w, r)
}

// find returns the route of a request. If an attacker's page reaches this server under another
// host name than 127.0.0.1 (DNS rebinding), find refuses before it looks at the path.
func (s *server) find(r *http.Request) (route, *refused) {
	if r.Host != s.host {
		return route{}, &refused{http.StatusMisdirectedRequest, "this server answers to its own address alone"}
	}
	notFound := &refused{http.StatusNotFound, "not found"}
	if len(r.URL.Path) < len(s.path) || subtle.ConstantTimeCompare([]byte(r.URL.Path[:len(s.path)]), []byte(s.path)) != 1 {
		return route{}, notFound
	}
	found, ok := routes[r.URL.Path[len(s.path):]]
	if !ok {
		return route{}, notFound
	}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return route{}, &refused{http.StatusBadRequest, "an address stands in histories and logs: paste the token into the page"}
	}
	return found, nil
}

// check refuses a request that another site caused (Fetch Metadata Request Headers, RFC 6454
// section 7.3). A script cannot set these headers.
func (s *server) check(r *http.Request) *refused {
	foreign := &refused{http.StatusForbidden, "another site has sent this request"}
	site, origin := r.Header.Values("Sec-Fetch-Site"), r.Header.Values("Origin")
	if len(site) > 1 || len(origin) > 1 {
		return foreign
	}
	if r.Method == http.MethodGet {
		// When a person types the address, or a program starts the browser with it, the browser
		// sends "none" in Sec-Fetch-Site. An old browser does not send the header. The page shows
		// no token to any of them.
		if !oneOf(site, "", "none", "same-origin") || !oneOf(origin, "", "http://"+s.host) {
			return foreign
		}
		return nil
	}
	// Under no-referrer a browser sends the origin null with a form, and Sec-Fetch-Site alone tells
	// the page from a sandboxed frame of another site (Fetch section 3.2).
	isForm := r.Header.Get("Sec-Fetch-Mode") == "navigate"
	if !oneOf(site, "same-origin") || !oneOf(origin, "http://"+s.host) && !(isForm && oneOf(origin, "null")) {
		return foreign
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return &refused{http.StatusUnsupportedMediaType, "a token comes as text/plain"}
	}
	return nil
}

// oneOf reports whether a header has one of the values. The empty value stands for a header that is
// absent.
func oneOf(header []string, values ...string) bool {
	value := ""
	if len(header) == 1 {
		value = header[0]
	}
	return slices.Contains(values, value)
}
