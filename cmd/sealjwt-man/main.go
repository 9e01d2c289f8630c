// Command sealjwt-man writes the manual pages of sealjwt, one for each verb, into an existing
// folder:
//
//	sealjwt-man man/man1
//	man -l man/man1/sealjwt.1
//
// The pages come from the help of the verbs. SOURCE_DATE_EPOCH sets their date, so that two runs
// write the same bytes.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra/doc"

	"github.com/sealjwt/sealjwt/cmd/internal/cli"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sealjwt-man:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("name the folder for the pages: sealjwt-man FOLDER")
	}
	root := cli.Command(cli.Options{Name: "sealjwt"})
	prepare(root)
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "sealjwt", Manual: "Manual of sealjwt"}, args[0])
}
