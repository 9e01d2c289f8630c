package etcdstore_test

import (
	"context"
	"crypto/tls"
	"log"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/sealjwt/sealjwt/keys/etcdstore"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// A service with several replicas has its ring in etcd, with TLS and a password. An operator
// has made the ring.
func ExampleNew() {
	ctx := context.Background()
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{"etcd-0.internal:2379", "etcd-1.internal:2379", "etcd-2.internal:2379"},
		TLS:       &tls.Config{MinVersion: tls.VersionTLS13}, // RootCAs for a CA of your own
		Username:  "idp", Password: os.Getenv("ETCD_PASSWORD"),
		DialTimeout: 5 * time.Second, DialKeepAliveTime: 5 * time.Second, DialKeepAliveTimeout: 2 * time.Second,
		PermitWithoutStream: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	store, err := etcdstore.New(client, "/idp/ring")
	if err != nil {
		log.Fatal(err)
	}
	kek, err := keyring.KEKFile("/etc/idp/kek")
	if err != nil {
		log.Fatal(err)
	}
	const place = "etcd://etcd-0.internal:2379,etcd-1.internal:2379,etcd-2.internal:2379/%2Fidp%2Fring" // as sealjwt-fleet keys check prints it
	ring, err := keyring.Open(ctx, keyring.Config{
		Store: store, KEK: kek,
		Memory: filestore.NewMemory(place, "/var/lib/idp/seen"), // notices a ring that was set back
	})
	if err != nil {
		log.Fatal(err)
	}
	go ring.Run(ctx, func(step keyring.Step, err error) { log.Println(step, err) })
	// The ring is the Signing of a sealer, and the Keys and Decryption of an opener.
}
