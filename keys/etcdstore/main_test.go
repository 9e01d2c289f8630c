package etcdstore_test

import (
	"os"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/sealjwt/sealjwt/keys/etcdstore"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/testdata/ringtest"
)

func TestMain(m *testing.M) {
	ringtest.Main(openPlace)
	os.Exit(run(m))
}

func run(m *testing.M) int {
	defer removeNodeProgram()
	return m.Run()
}

// place describes a ring to another process: its key and the servers.
func place(key string, servers ...string) string {
	return key + "|" + strings.Join(servers, ",")
}

// openPlace opens the store that place has described.
func openPlace(place string) (keyring.Store, error) {
	key, servers, _ := strings.Cut(place, "|")
	client, err := clientv3.New(clientConfig(strings.Split(servers, ",")...))
	if err != nil {
		return nil, err
	}
	return etcdstore.New(client, key)
}

// clientConfig returns the configuration that the documentation recommends.
func clientConfig(servers ...string) clientv3.Config {
	return clientv3.Config{
		Endpoints: servers, DialTimeout: 5 * time.Second, Logger: zap.NewNop(),
		DialKeepAliveTime: 2 * time.Second, DialKeepAliveTimeout: 2 * time.Second,
	}
}
