// A module of its own: it has a driver for SQLite, which no user of sealjwt downloads.
module github.com/sealjwt/sealjwt/testdata/twoparties

go 1.26.0

require github.com/sealjwt/sealjwt v0.0.0

require github.com/go-jose/go-jose/v4 v4.1.9 // indirect

replace github.com/sealjwt/sealjwt => ../..
