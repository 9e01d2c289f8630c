package sessions

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"time"
)

// Login returns the subject that sends a request, and the id of the session of the device that
// sends it ("" if it is not known). It returns an error for a request without a valid login, such
// as a request with the cookie or the token of an ended session.
type Login func(r *http.Request) (subject, sid string, err error)

// Handler returns "my devices" as JSON, for the page of an application:
//
//	GET    /            {"sessions": [{"id", "this", "name", "agent", "address", "started", "seen", "expires"}, …]}
//	DELETE /{id}        ends one session: 204, or 404 when it is not there or another user's
//	POST   /end-others  ends all but this one: {"ended": 2}
//
// Mount it with [http.StripPrefix]:
//
//	mux.Handle("/sessions/", http.StripPrefix("/sessions", handler))
//
// A request without a login gets 401. If a page of another origin makes a browser send a DELETE or
// a POST, the Sec-Fetch-Site or Origin header tells, and the request gets 403. A POST without
// Content-Type application/json, which an HTML form cannot send, gets 415. If Login does not tell
// the session of the device, or that session has ended, the POST gets 404. After any other error,
// such as a store that does not answer, the request gets 503. Answers have Cache-Control: no-store.
// Handler returns an [ErrConfig] for a nil login.
func (r *Registry) Handler(login Login) (http.Handler, error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	if login == nil {
		return nil, configError("login", "is required: it says whose sessions a request is about")
	}
	mux := http.NewServeMux()
	as := func(serve func(w http.ResponseWriter, q *http.Request, subject, sid string)) http.HandlerFunc {
		return func(w http.ResponseWriter, q *http.Request) {
			subject, sid, err := login(q)
			if err != nil || subject == "" {
				refuse(w, http.StatusUnauthorized, "log in first")
				return
			}
			serve(w, q, subject, sid)
		}
	}
	mux.HandleFunc("GET /{$}", as(r.serveList))
	mux.HandleFunc("DELETE /{id}", as(r.serveEnd))
	mux.HandleFunc("POST /end-others", as(r.serveEndOthers))
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "the request comes from another site")
	}))
	guarded := guard.Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		guarded.ServeHTTP(w, q)
	}), nil
}

// deviceJSON is a session in the JSON of an answer.
type deviceJSON struct {
	ID      string    `json:"id"`
	This    bool      `json:"this"`
	Name    string    `json:"name"`
	Agent   string    `json:"agent"`
	Address string    `json:"address"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
}

func (r *Registry) serveList(w http.ResponseWriter, q *http.Request, subject, sid string) {
	list, err := r.List(q.Context(), subject)
	if err != nil {
		refuseFor(w, err)
		return
	}
	devices := make([]deviceJSON, 0, len(list))
	for _, s := range list {
		devices = append(devices, deviceJSON{s.ID, s.ID == sid, s.Device.Name, s.Device.Agent, s.Device.Addr, s.Started, s.Seen, s.Expires})
	}
	writeJSON(w, http.StatusOK, map[string]any{"sessions": devices})
}

func (r *Registry) serveEnd(w http.ResponseWriter, q *http.Request, subject, _ string) {
	if err := r.End(q.Context(), subject, q.PathValue("id")); err != nil {
		refuseFor(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *Registry) serveEndOthers(w http.ResponseWriter, q *http.Request, subject, sid string) {
	if kind, _, err := mime.ParseMediaType(q.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "send Content-Type application/json")
		return
	}
	n, err := r.EndOthers(q.Context(), subject, sid)
	if err != nil {
		refuseFor(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"ended": n})
}

// refuseFor answers a request that failed. The client does not get the text of err, which may tell
// details of the store.
func refuseFor(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, ErrNoSession):
		refuse(w, http.StatusNotFound, "there is no such session")
	case errors.Is(err, ErrSubject):
		refuse(w, http.StatusUnauthorized, "log in first")
	case errors.Is(err, context.Canceled):
		// The client has gone.
	default:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "try again")
	}
}

func refuse(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, map[string]string{"error": text})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the client has gone
}
