package servers

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// Loopback returns a random address of this machine. Two servers on two such addresses may use the
// same port.
func Loopback() string {
	return fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(255), 1+rand.IntN(254))
}

// PostgreSQLTLS starts a server that also listens at addresses. There it wants TLS and a password,
// and it shows a certificate. The socket wants neither.
func PostgreSQLTLS(t testing.TB, cert, key, addresses string) *Server {
	t.Helper()
	dir, as := newFolder(t, "postgres")
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		err := os.WriteFile(path, data, 0o600)
		if err == nil && as != nil {
			err = os.Chown(path, int(as.Uid), int(as.Gid))
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	copied := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return file(filepath.Base(path), data)
	}
	return PostgreSQL(t, "ssl=on", "ssl_cert_file="+copied(cert), "ssl_key_file="+copied(key), "password_encryption=scram-sha-256",
		"hba_file="+file("hba", []byte("local all all trust\nhostssl all all all scram-sha-256\n")), "listen_addresses="+addresses)
}

// PostgreSQLUser makes a user with a password, and a database that belongs to the user.
func (s *Server) PostgreSQLUser(t testing.TB, user, password string) {
	t.Helper()
	exec1(t, "pgx", s.postgresDSN(""), fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", user, password))
	exec1(t, "pgx", s.postgresDSN(""), fmt.Sprintf("CREATE DATABASE %s OWNER %[1]s", user))
}
