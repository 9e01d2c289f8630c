package main

import "crypto/subtle"

// Profile has the facts about a user that the API, and no other party, may read.
type Profile struct {
	Email  string   `json:"email"`
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
}

// users are invented. A real service stores hashes of passwords, if it has passwords.
var users = map[string]struct{ id, password string }{
	"ada": {"u-42", "lovelace"},
	"bob": {"u-43", "builder"},
}

// profiles maps the ids of users to their profiles.
var profiles = map[string]Profile{
	"u-42": {"ada@example.com", "Ada Quillwood", []string{"engineering", "admins"}},
	"u-43": {"bob@example.com", "Bob Fernsby", []string{"sales"}},
}

// authenticate returns the id of a user. It stands for your own login.
func authenticate(name, password string) (id string, ok bool) {
	user, ok := users[name]
	same := subtle.ConstantTimeCompare([]byte(user.password), []byte(password))
	return user.id, ok && same == 1
}
