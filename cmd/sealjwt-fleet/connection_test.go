package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

const password = "hunter2-Zq9"

// newCA returns the path of a certificate in PEM.
func newCA(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openPlace opens a place without a connection to its server.
func openPlace(kind, connection string, insecure bool) (identity string, err error) {
	if kind == "etcd" {
		_, identity, err = openEtcd(context.Background(), "/idp/ring", connection, insecure)
		return identity, err
	}
	db, err := openDatabase(dialects[kind], connection, insecure)
	if err != nil {
		return "", err
	}
	return db.identity, nil
}

// A server on another machine must prove its identity, unless the user says that it need not. No
// refusal and no identity holds the password.
func TestConnections(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	for _, name := range []string{"PGHOST", "PGSSLMODE", "PGSSLROOTCERT", "PGSERVICE", "PGPASSWORD"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	ca := newCA(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		done   = console.ExitDone
		usage  = console.ExitUsage
		policy = console.ExitPolicy
	)
	for _, c := range []struct {
		kind, connection string
		code             int
	}{
		{"postgres", "postgres://idp:PW@db.example.com/auth?sslmode=verify-full", done},
		{"postgres", "postgres://idp:PW@db.example.com/auth?sslmode=verify-full&sslrootcert=CA", done},
		{"postgres", "host=db.example.com user=idp password=PW dbname=auth sslmode=verify-full", done},
		{"postgres", "postgres://idp:PW@localhost/auth", done},
		{"postgres", "postgres://idp:PW@127.0.0.1/auth?sslmode=disable", done},
		{"postgres", "postgres://idp:PW@[::1]/auth?sslmode=disable", done},
		{"postgres", "host=/run/postgresql user=idp password=PW dbname=auth", done},
		{"postgres", "postgres://idp:PW@db.example.com/auth", policy},
		{"postgres", "postgres://idp:PW@db.example.com/auth?sslmode=disable", policy},
		{"postgres", "postgres://idp:PW@db.example.com/auth?sslmode=allow", policy},
		{"postgres", "postgres://idp:PW@db.example.com/auth?sslmode=prefer", policy},
		{"postgres", "postgres://idp:PW@db.example.com/auth?sslmode=require", policy},
		{"postgres", "postgres://idp:PW@db.example.com/auth?sslmode=verify-ca&sslrootcert=CA", policy},
		{"postgres", "postgres://idp:PW@127.0.0.1,db.example.com/auth?sslmode=disable", policy},
		{"postgres", "postgres://idp:PW@localhost.example.com/auth?sslmode=disable", policy},
		{"postgres", "postgres://idp:PW@10.0.0.1/auth?sslmode=disable", policy},
		{"postgres", "postgres://idp:PW@db.example.com:notaport/auth", usage},
		{"postgres", "postgres://idp:PW@db.example.com/auth?sslmode=PW", usage},
		{"postgres", "password=PW host", usage},
		{"postgres", "postgres://idp:PW@localhost/auth\nPW", usage},
		{"postgres", "", usage},

		{"mysql", "idp:PW@tcp(db.example.com:3306)/auth?tls=true", done},
		{"mysql", "idp:PW@tcp(db.example.com:3306)/auth\nca=CA", done},
		{"mysql", "idp:PW@tcp(db.example.com:3306)/auth?tls=skip-verify\nca=CA\n", done},
		{"mysql", "idp:PW@tcp(127.0.0.1:3306)/auth", done},
		{"mysql", "idp:PW@unix(/run/mysqld/mysqld.sock)/auth", done},
		{"mysql", "idp:PW@tcp(db.example.com:3306)/auth", policy},
		{"mysql", "idp:PW@tcp(db.example.com:3306)/auth?tls=false", policy},
		{"mysql", "idp:PW@tcp(db.example.com:3306)/auth?tls=skip-verify", policy},
		{"mysql", "idp:PW@tcp(db.example.com:3306)/auth?tls=preferred", policy},
		{"mysql", "idp:PW@tcp(db.example.com:3306)/auth?tls=true&allowFallbackToPlaintext=true", policy},
		{"mysql", "idp:PW@tcp(db.example.com:3306)/auth?tls=PW", usage},
		{"mysql", "idp:PW@tcp(db.example.com:3306", usage},
		{"mysql", "idp:PW@tcp(127.0.0.1:3306)/auth\npassword=PW", usage},
		{"mysql", "idp:PW@tcp(127.0.0.1:3306)/auth\nca=CA\nca=CA", usage},
		{"mysql", "idp:PW@tcp(127.0.0.1:3306)/auth\nca=EMPTY", usage},
		{"mysql", "idp:PW@tcp(127.0.0.1:3306)/auth\ncert=CA", usage},
		{"mysql", "idp:PW@tcp(127.0.0.1:3306)/auth\ncert=CA\nkey=CA", usage},

		{"sqlite", "/var/lib/idp/rings.db", done},
		{"sqlite", "rings?mode=memory.db", done},
		{"sqlite", ":memory:", usage},
		{"sqlite", "file:/var/lib/idp/rings.db?_pragma=synchronous(OFF)", usage},
		{"sqlite", "/var/lib/idp/rings.db\nca=CA", usage},
		{"sqlite", "/var/lib/idp/rings.db\n\n# a comment", usage},
		{"postgres", "postgres://idp:PW@localhost/auth\n# PW", usage},
		{"mysql", "idp:PW@tcp(127.0.0.1:3306)/auth\n# PW", usage},

		{"etcd", "https://etcd-0.example.com:2379,https://etcd-1.example.com:2379\nca=CA", done},
		{"etcd", "https://etcd-0.example.com:2379", done},
		{"etcd", "http://127.0.0.1:2379,http://localhost:2379", done},
		{"etcd", "http://etcd-0.example.com:2379\nca=CA", policy},
		{"etcd", "http://127.0.0.1:2379,http://etcd-1.example.com:2379", policy},
		{"etcd", "https://127.0.0.1:2379,http://127.0.0.1:2380", usage},
		{"etcd", "https://idp:PW@etcd-0.example.com:2379", usage},
		{"etcd", "etcd-0.example.com:2379", usage},
		{"etcd", "https://etcd-0.example.com:2379\nPW", usage},
		{"etcd", "https://etcd-0.example.com:2379\nca=EMPTY", usage},
	} {
		text := strings.NewReplacer("PW", password, "CA", ca, "EMPTY", empty).Replace(c.connection)
		identity, err := openPlace(c.kind, text, false)
		code := console.ExitDone
		if err != nil {
			code, _ = console.New("sealjwt-fleet", nil, io.Discard, io.Discard).Describe(err)
			if strings.Contains(err.Error(), password) {
				t.Errorf("%s %q: the error shows the password: %v", c.kind, c.connection, err)
			}
		}
		if code != c.code {
			t.Errorf("%s %q: exit code %d, want %d: %v", c.kind, c.connection, code, c.code, err)
		}
		if err == nil && (strings.Contains(identity, password) || !strings.HasPrefix(identity, c.kind+"://")) {
			t.Errorf("%s %q: identity %s", c.kind, c.connection, identity)
		}
		if _, err := openPlace(c.kind, text, true); (err == nil) != (c.code != usage) {
			t.Errorf("%s %q with --insecure-store: %v", c.kind, c.connection, err)
		}
	}
}

// A place has one identity, whatever its password is. Two places never have the same identity.
func TestIdentities(t *testing.T) {
	seen := make(map[string]string)
	for _, c := range []struct{ kind, connection, again string }{
		{"postgres", "postgres://a:x@127.0.0.1/auth", "host=127.0.0.1 user=b password=y dbname=auth"},
		{"postgres", "postgres://a:x@127.0.0.1:5433/auth", "postgres://127.0.0.1:5433/auth?sslmode=disable"},
		{"postgres", "postgres://a:x@127.0.0.1/other", "postgres://127.0.0.1/other"},
		{"postgres", "postgres://a:x@127.0.0.1/auth?search_path=s", "postgres://a@127.0.0.1/auth?search_path=s"},
		{"mysql", "a:x@tcp(127.0.0.1:3306)/auth", "b:y@tcp(127.0.0.1)/auth"},
		{"mysql", "a:x@tcp(127.0.0.1:3307)/auth", "a@tcp(127.0.0.1:3307)/auth"},
		{"sqlite", "/a/b.db", "/a/./c/../b.db"},
		{"sqlite", "/a/b?.db", "/a//b?.db"},
		{"etcd", "http://127.0.0.1:1,http://127.0.0.1:2", "http://127.0.0.1:2,http://127.0.0.1:1\nuser=a"},
		{"etcd", "http://127.0.0.1:1", "https://127.0.0.1:1"},
	} {
		one, err := openPlace(c.kind, c.connection, false)
		two, err2 := openPlace(c.kind, c.again, false)
		if err := errors.Join(err, err2); err != nil || one != two {
			t.Errorf("%s and %s: %s and %s, %v", c.connection, c.again, one, two, err)
		}
		if seen[one] != "" {
			t.Errorf("%s and %s are both %s", c.connection, seen[one], one)
		}
		seen[one] = c.connection
	}
}

// A line below the address that a store has no option for. The error names the options that it has.
func TestLinesTooMuch(t *testing.T) {
	for kind, want := range map[string]string{
		"postgres": "line 2 of the store file is too much: this store has its whole connection on the first line",
		"sqlite":   "line 2 of the store file is too much: this store has its whole connection on the first line",
		"mysql":    "line 2 of the store file is none of ca=…, cert=…, key=…: leave out blank lines and comments",
		"etcd":     "line 2 of the store file is none of user=…, password=…, ca=…, cert=…, key=…: leave out blank lines and comments",
	} {
		for _, line := range []string{"", "# a comment", password} {
			if _, err := openPlace(kind, "/var/lib/idp/rings.db\n"+line+"\nca=x", false); err == nil || err.Error() != want {
				t.Errorf("%s, %q: %v", kind, line, err)
			}
		}
	}
}

func TestHide(t *testing.T) {
	err := hide(errors.Join(keyring.ErrConflict, errors.New("no entry for "+password+" here")), "", password)
	if !errors.Is(err, keyring.ErrConflict) || strings.Contains(err.Error(), password) || !strings.Contains(err.Error(), "for [redacted] here") {
		t.Errorf("%v", err)
	}
	if hide(nil, password) != nil || hide(keyring.ErrConflict, password, "") != keyring.ErrConflict {
		t.Error("an error without a password was changed")
	}
}
