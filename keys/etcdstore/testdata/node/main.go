// Command node is one etcd server for the tests of package etcdstore, which start three of
// them. With the word restore first it makes the data of a server from a snapshot, as etcdutl
// does. It is a module of its own, so that the server is in no user's module graph.
package main

import (
	"os"

	"go.etcd.io/etcd/etcdutl/v3/etcdutl"
	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	if len(os.Args) < 2 || os.Args[1] != "restore" {
		etcdmain.Main(os.Args)
		return
	}
	restore := etcdutl.NewSnapshotRestoreCommand()
	restore.SetArgs(os.Args[2:])
	if err := restore.Execute(); err != nil {
		os.Exit(1)
	}
}
