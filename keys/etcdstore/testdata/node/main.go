// Command node is one etcd server for the tests of package etcdstore, which start three of
// them. It is a module of its own, so that the server is in no user's module graph.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
