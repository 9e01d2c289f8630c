// Command wasm seals one token and opens it again. It shows that the library works where a
// WebAssembly runtime stands in for the operating system:
//
//	GOOS=js GOARCH=wasm go run -exec "$(go env GOROOT)/lib/wasm/go_js_wasm_exec" ./testdata/wasm
package main

import (
	"context"
	"fmt"
	"log"
	"runtime"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/seal"
)

const (
	issuer   = "https://id.example.com"
	audience = "https://api.example.com"
	email    = "ada@example.com"
)

func main() {
	log.SetFlags(0)
	if err := sealAndOpen(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("sealed and opened one token on %s/%s\n", runtime.GOOS, runtime.GOARCH)
}

func sealAndOpen(ctx context.Context) error {
	signing, err := keys.GenerateKey(keys.ES256)
	if err != nil {
		return err
	}
	decryption, err := keys.GenerateKey(keys.ECDHES)
	if err != nil {
		return err
	}
	set, err := keys.NewSet(keys.SetConfig{Signing: signing, Decryption: []*keys.Key{decryption}})
	if err != nil {
		return err
	}
	sealer, err := seal.New(seal.Config{
		Issuer: issuer, Signing: set, Recipient: seal.Recipient{Audience: audience, Keys: set},
	})
	if err != nil {
		return err
	}
	token, err := sealer.Seal(ctx, seal.Claims{Custom: map[string]string{"email": email}})
	if err != nil {
		return err
	}
	opener, err := open.New(open.Config{Audience: audience, Trust: []open.Issuer{{ID: issuer, Keys: set}}, Decryption: set})
	if err != nil {
		return err
	}
	tok, err := opener.Open(ctx, token)
	if err != nil {
		return err
	}
	var claims struct {
		Email string `json:"email"`
	}
	if err := tok.Claims(&claims); err != nil {
		return err
	}
	if claims.Email != email {
		return fmt.Errorf("the email is %q, and %q was sealed", claims.Email, email)
	}
	return nil
}
