package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/etcdstore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// openEtcd returns the store of a ring in etcd, and its identity. The name is the etcd key of the
// ring.
func openEtcd(ctx context.Context, name, text string, insecure bool) (keyring.Store, string, error) {
	c, err := parseConnection(text, append([]string{"user", "password"}, tlsOptions...)...)
	if err != nil {
		return nil, "", err
	}
	endpoints, hosts, secure, err := etcdServers(c.address, insecure)
	if err != nil {
		return nil, "", err
	}
	config := clientv3.Config{
		Endpoints: endpoints, Username: c.options["user"], Password: c.options["password"],
		DialTimeout: 5 * time.Second, DialKeepAliveTime: 5 * time.Second, DialKeepAliveTimeout: 2 * time.Second,
		Logger: zap.NewNop(),
	}
	if secure {
		if config.TLS, err = c.tls(""); err != nil {
			return nil, "", err
		}
	}
	reach := func(ctx context.Context, err error) error { return explainUnreached(ctx, err, hosts, config.TLS) }
	client, err := clientv3.New(config) // with a password it asks a server
	if err != nil {
		return nil, "", hide(reach(ctx, err), config.Password)
	}
	store, err := etcdstore.New(client, name)
	if err != nil {
		return nil, "", err
	}
	return &etcdRing{store, config.Password, reach}, "etcd://" + strings.Join(hosts, ",") + "/" + url.PathEscape(name), nil
}

var errEtcdServers = errors.New("the first line of the store file names no servers of etcd, such as https://etcd-0:2379,https://etcd-1:2379")

// etcdServers returns the URLs and the sorted hosts of the servers, and whether all use https. It
// refuses a mix of http and https, and http to another machine, unless insecure.
func etcdServers(address string, insecure bool) (endpoints, hosts []string, secure bool, err error) {
	for i, text := range strings.Split(address, ",") {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, nil, false, console.Usagef("%w", errEtcdServers)
		}
		if i > 0 && secure != (u.Scheme == "https") {
			return nil, nil, false, console.Usagef("the store file names servers with https and with http: use https for all")
		}
		secure = u.Scheme == "https"
		if !secure && !insecure && !isLocal(u.Hostname()) {
			return nil, nil, false, refuseOpen(u.Hostname(), "write https:// before it, and a line ca=FILE for a CA of your own")
		}
		endpoints, hosts = append(endpoints, text), append(hosts, u.Host)
	}
	slices.Sort(hosts)
	return endpoints, hosts, secure, nil
}

// explainUnreached adds to the error of the client, which only says that the time was over, why no
// server can be reached, such as the certificate that a server has shown.
func explainUnreached(ctx context.Context, err error, hosts []string, config *tls.Config) error {
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	var first error
	for _, host := range hosts {
		dialer := net.Dialer{Timeout: 2 * time.Second}
		dial := dialer.DialContext
		if config != nil {
			dial = (&tls.Dialer{NetDialer: &dialer, Config: config}).DialContext
		}
		conn, why := dial(ctx, "tcp", host)
		if why == nil {
			conn.Close()
			return err
		}
		first = cmp.Or(first, fmt.Errorf("%w: %s: %w", err, host, why))
	}
	return cmp.Or(first, err)
}

// etcdRing is a Store that hides the password in the errors of Load and Swap, and says in the
// errors of Load why no server can be reached.
type etcdRing struct {
	*etcdstore.Store
	password string
	reach    func(context.Context, error) error
}

func (r *etcdRing) Load(ctx context.Context) (doc []byte, version string, err error) {
	doc, version, err = r.Store.Load(ctx)
	return doc, version, hide(r.reach(ctx, err), r.password)
}

func (r *etcdRing) Swap(ctx context.Context, prev string, doc []byte) (version string, err error) {
	version, err = r.Store.Swap(ctx, prev, doc)
	return version, hide(err, r.password)
}
