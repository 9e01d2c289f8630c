// A module of its own, so that nothing the peer tests need reaches the module
// graph of those who use sealjwt.
module github.com/sealjwt/sealjwt/testdata/peers

go 1.26.0

require github.com/sealjwt/sealjwt v0.0.0

require github.com/go-jose/go-jose/v4 v4.1.8 // indirect

replace github.com/sealjwt/sealjwt => ../..
