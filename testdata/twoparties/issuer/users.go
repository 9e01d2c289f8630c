package main

import "crypto/subtle"

// Profile is what the API shall know about a user, and no other party.
type Profile struct {
	Email  string   `json:"email"`
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
}

// users are invented. Where they are real, passwords are hashed, if there are any.
var users = map[string]struct{ id, password string }{
	"ada": {"u-42", "lovelace"},
	"bob": {"u-43", "builder"},
}

// profiles are by the id of the user.
var profiles = map[string]Profile{
	"u-42": {"ada@example.com", "Ada Quillwood", []string{"engineering", "admins"}},
	"u-43": {"bob@example.com", "Bob Fernsby", []string{"sales"}},
}

// authenticate returns the id of a user. It stands in for the login that you have.
func authenticate(name, password string) (id string, ok bool) {
	user, ok := users[name]
	same := subtle.ConstantTimeCompare([]byte(user.password), []byte(password))
	return user.id, ok && same == 1
}
