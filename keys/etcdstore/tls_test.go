package etcdstore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/sealjwt/sealjwt/testdata/ringtest"
)

// newTLSNode starts one server that shows a certificate, also at an address that the certificate
// does not name.
func newTLSNode(t *testing.T, ca *ringtest.CA) (named, unnamed string) {
	t.Helper()
	program, err := nodeProgram()
	if err != nil {
		t.Fatal(err)
	}
	cert, key := ca.Server(t, "127.0.0.1")
	named, peer := freePort(t), freePort(t)
	unnamed = strings.Replace(named, "127.0.0.1", "127.0.0.2", 1)
	n := &node{args: []string{
		program, "--name", "n0", "--data-dir", t.TempDir(), "--log-level", "error", "--cert-file", cert, "--key-file", key,
		"--listen-client-urls", "https://" + named + ",https://" + unnamed, "--advertise-client-urls", "https://" + named,
		"--listen-peer-urls", "http://" + peer, "--initial-advertise-peer-urls", "http://" + peer,
		"--initial-cluster", "n0=http://" + peer, "--initial-cluster-state", "new",
	}}
	t.Cleanup(n.kill)
	n.start(t)
	return named, unnamed
}

// enableAuth gives a user the rights that the documentation of the package names.
func enableAuth(t *testing.T, client *clientv3.Client, user, password, key string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // the server may still be starting
	defer cancel()
	for _, step := range []func() error{
		func() error { _, err := client.UserAdd(ctx, "root", "of-root"); return err },
		func() error { _, err := client.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := client.UserAdd(ctx, user, password); return err },
		func() error { _, err := client.RoleAdd(ctx, "idp-ring"); return err },
		func() error {
			_, err := client.RoleGrantPermission(ctx, "idp-ring", key, "", clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := client.UserGrantRole(ctx, user, "idp-ring"); return err },
		func() error { _, err := client.AuthEnable(ctx); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

// The command opens a ring on a server with TLS and a password, and on no other server.
func TestFleetTLS(t *testing.T) {
	t.Parallel()
	const password = "hunter2-Zq9"
	ca, another := ringtest.NewCA(t), ringtest.NewCA(t)
	named, unnamed := newTLSNode(t, ca)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	config := clientConfig("https://" + named)
	config.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	client, err := clientv3.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	enableAuth(t, client, "idp", password, "/idp/ring")

	f := newFleet(t)
	run := func(code int, connection string, args ...string) string {
		t.Helper()
		text := strings.NewReplacer("CA", ca.File(t), "OTHER", another.File(t), "PW", password).Replace(connection)
		_, said := f.run(t, text, code, args...)
		if strings.Contains(said, password) {
			t.Errorf("%s: the text shows the password: %s", connection, said)
		}
		return said
	}
	const login = "\nuser=idp\npassword=PW"
	run(0, "https://"+named+"\nca=CA"+login, "keys", "init", "--ring", "etcd:/idp/ring")
	run(0, "https://"+named+"\nca=CA"+login, "keys", "list", "--ring", "etcd:/idp/ring")
	for _, c := range []struct {
		connection, ring string
		code             int
		want             string
	}{
		{"https://" + named + "\nca=OTHER" + login, "/idp/ring", 1, "certificate signed by unknown authority"},
		{"https://" + named + "\nca=OTHER", "/idp/ring", 1, "certificate signed by unknown authority"}, // no server is asked for a password
		{"https://" + named + login, "/idp/ring", 1, "certificate signed by unknown authority"},
		{"https://" + unnamed + "\nca=CA" + login, "/idp/ring", 1, "certificate is valid for 127.0.0.1, not 127.0.0.2"},
		{"https://" + named + "\nca=CA\nuser=idp\npassword=another", "/idp/ring", 1, "authentication failed"},
		{"https://" + named + "\nca=CA", "/idp/ring", 1, "user name is empty"},
		{"https://" + named + "\nca=CA" + login, "/another", 1, "permission denied"},
		{"http://etcd-0.example.com:2379\nca=CA" + login, "/idp/ring", 6, "write https:// before it"},
	} {
		if said := run(c.code, c.connection, "keys", "list", "--ring", "etcd:"+c.ring); !strings.Contains(said, c.want) {
			t.Errorf("%s: %s, want %s", c.connection, said, c.want)
		}
	}
}
