// Command sealjwt seals the claims of a JWT so that only their recipient reads
// them, opens such tokens, and keeps the keys that this takes.
//
//	sealjwt keys init
//	sealjwt seal claims.json >token
//	sealjwt open --iss https://id.example.com --aud https://api.example.com token
//
// Run sealjwt --help for the verbs. Exit codes:
//
//	0  done
//	1  internal, or I/O: a file that is not there, a ring that could not be written
//	2  usage, or a bad claims file
//	3  not authentic: malformed, algorithm not the key's, signature or tag
//	4  a claim or the type is refused: expired, issuer not trusted, audience, …
//	5  key or ring: missing, unknown kid, revoked, damaged, wrong KEK, no usable recipient key
//	6  policy: weak key, lifetime too long, private keys in a public set, a window not over yet
//	7  due: a rotation (keys check), or a feed that is too old (revoked check)
//
// With --jsonl the exit code is the code of the lines that failed, or 1 if their codes differ.
package main

import "github.com/sealjwt/sealjwt/cmd/internal/cli"

func main() { cli.Main(cli.Options{Name: "sealjwt"}) }
