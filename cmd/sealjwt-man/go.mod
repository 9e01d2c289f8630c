// A module of its own, so that what writes manual pages is not needed by those who use sealjwt.
module github.com/sealjwt/sealjwt/cmd/sealjwt-man

go 1.26.0

replace github.com/sealjwt/sealjwt => ../..

require (
	github.com/sealjwt/sealjwt v0.0.0
	github.com/spf13/cobra v1.10.2
	github.com/spf13/pflag v1.0.9
)

require (
	github.com/cpuguy83/go-md2man/v2 v2.0.6 // indirect
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/russross/blackfriday/v2 v2.1.0 // indirect
	go.yaml.in/yaml/v3 v3.0.4 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
)
