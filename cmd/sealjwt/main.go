// Command sealjwt seals the claims of a JWT so that only their recipient reads
// them, opens such tokens, and keeps the keys that this takes.
//
//	sealjwt keys init
//	sealjwt seal claims.json >token
//	sealjwt open --iss https://id.example.com --aud https://api.example.com token
//
// Run sealjwt --help for the verbs, and sealjwt help exit-codes for the exit codes, on which
// scripts can rely.
package main

import "github.com/sealjwt/sealjwt/cmd/internal/cli"

func main() { cli.Main(cli.Options{Name: "sealjwt"}) }
