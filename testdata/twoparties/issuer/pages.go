package main

import (
	_ "embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"date": func(t time.Time) string { return t.UTC().Format("2 Jan, 15:04 UTC") },
}).Parse(pageText))

// view holds the contents of the page: a form to log in, or the devices of a user.
type view struct {
	Message  string
	Name     string // name of the user; empty before the login
	This     string // id of the session of this browser
	Sessions []sessions.Session
	API      string
	Token    string // token for the API
}

const cookieName = "refresh"

// pages serves browsers. A page of another site cannot make a browser send the cookie (SameSite)
// or a form (CrossOriginProtection).
func (i *issuer) pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", i.devices)
	mux.HandleFunc("POST /login", i.login)
	mux.HandleFunc("POST /end", i.end)
	return http.NewCrossOriginProtection().Handler(mux)
}

// login starts a session and leaves the refresh token in the browser. A service over HTTPS makes
// the cookie Secure too, and begins its name with __Host-.
func (i *issuer) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	_, refresh, err := i.grant(r)
	switch {
	case isRefused(err):
		show(w, http.StatusUnauthorized, view{Message: "The name or the password is wrong."})
	case err != nil:
		fail(w, r, err)
	default:
		keep(w, refresh)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// devices shows the devices of the user. Each request uses up the refresh token of the cookie and
// leaves the next one. So a browser that was logged out is out at its next request.
func (i *issuer) devices(w http.ResponseWriter, r *http.Request) {
	session, ok := i.session(w, r)
	if !ok {
		return
	}
	all, err := i.registry.List(r.Context(), session.Subject)
	if err != nil {
		fail(w, r, err)
		return
	}
	token, err := i.accessToken(r.Context(), session)
	if err != nil {
		fail(w, r, err)
		return
	}
	show(w, http.StatusOK, view{Name: profiles[session.Subject].Name, This: session.ID, Sessions: all, API: *api, Token: token})
}

// end ends the session that the form names, or all sessions but this one.
func (i *issuer) end(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	session, ok := i.session(w, r)
	if !ok {
		return
	}
	var err error
	switch id := r.PostFormValue("id"); id {
	case "others":
		_, err = i.registry.EndOthers(r.Context(), session.Subject, session.ID)
	default:
		err = i.registry.End(r.Context(), session.Subject, id)
	}
	if err != nil && !errors.Is(err, sessions.ErrNoSession) { // ErrNoSession: it has ended already
		fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// session returns the session of the browser. If there is none, it shows the form to log in, and if
// it cannot tell, an error; ok is then false.
func (i *issuer) session(w http.ResponseWriter, r *http.Request) (s sessions.Session, ok bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		show(w, http.StatusOK, view{})
		return sessions.Session{}, false
	}
	session, refresh, err := i.registry.Refresh(r.Context(), cookie.Value)
	switch {
	case isRefused(err):
		http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1})
		show(w, http.StatusUnauthorized, view{Message: "This device was logged out."})
		return session, false
	case err != nil:
		fail(w, r, err)
		return session, false
	}
	keep(w, refresh)
	return session, true
}

func keep(w http.ResponseWriter, refresh string) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: refresh, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: int(sessions.DefaultAge.Seconds()),
	})
}

func show(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(status)
	if err := page.Execute(w, v); err != nil {
		slog.Error("the page was not sent", "err", err)
	}
}

func fail(w http.ResponseWriter, r *http.Request, err error) {
	slog.ErrorContext(r.Context(), "no page", "path", r.URL.Path, "err", err)
	show(w, http.StatusServiceUnavailable, view{Message: "That did not work. Please try again."})
}
