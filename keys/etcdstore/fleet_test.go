package etcdstore_test

import (
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/sealjwt/sealjwt/testdata/ringtest"
)

// Many processes rotate one ring under load while they are killed.
func TestRingProcesses(t *testing.T) {
	c := newCluster(t)
	ringtest.NewFleet(t, openPlace).Rotate(ringtest.Rotations{
		Place: place("/idp/ring", c.clients...), Processes: rounds(10, 3), Rotations: rounds(50, 2),
		History: func() ringtest.History { return history(t, newClient(t, c.clients...), "/idp/ring") },
	})
}

// history returns every value of a key, in order. etcd keeps all of them until a compaction.
func history(t *testing.T, client *clientv3.Client, key string) (all ringtest.History) {
	t.Helper()
	for revision := int64(0); ; {
		answer, err := client.Get(t.Context(), key, clientv3.WithRev(revision))
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Kvs) == 0 {
			break
		}
		kv := answer.Kvs[0]
		all = append(ringtest.History{kv.Value}, all...)
		if revision = kv.ModRevision - 1; kv.Version == 1 {
			break
		}
	}
	return all
}

// testRevoked lets each process in turn revoke a key. The others have the default policy, and
// refuse the key milliseconds later.
func testRevoked(t *testing.T, c *cluster) {
	late := ringtest.NewFleet(t, openPlace).Revoke(place("/revoked", c.clients...), rounds(10, 4), rounds(20, 3))
	t.Logf("a revoked key is refused by the others after %v; 100 ms are wanted on a machine that does nothing else", late)
	if late.At(0.5) > 2*time.Second { // without the watch a look comes after 5 to 15 s
		t.Errorf("the watch brought no revocation")
	}
}
