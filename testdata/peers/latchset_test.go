package peers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// latchset is the command jose of latchset/jose, which is written in C. It needs one process for
// each operation. It knows JWS, JWE and JWK, and does not read claims.
type latchset struct {
	dir string // for key files
}

func startLatchset(t *testing.T) peer {
	out, err := exec.Command("jose", "alg").Output()
	if err != nil || !bytes.Contains(out, []byte("ECDH-ES\n")) {
		missing(t, "the command jose of latchset is not installed: on Debian, apt-get install jose")
	}
	return latchset{t.TempDir()}
}

// version asks the package manager, because the command does not print its version.
func (latchset) version() string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "jose").Output()
	if err != nil {
		return "of unknown version"
	}
	version, _, _ := strings.Cut(string(out), "-")
	return version
}

// run returns the standard output of the command, or the first line of its error.
func (latchset) run(stdin string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("jose", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		why, _, _ := strings.Cut(stderr.String(), "\n")
		return "", fmt.Errorf("jose %s: %w: %s", strings.Join(args[:2], " "), err, why)
	}
	return stdout.String(), nil
}

// file stores a key in a file for the command.
func (l latchset) file(jwk json.RawMessage) (string, error) {
	name := filepath.Join(l.dir, "key.jwk")
	return name, os.WriteFile(name, jwk, 0o600)
}

func (l latchset) generate(suite string) (made keyPair, err error) {
	// With alg in the template the command would choose the curve itself: P-521 for ECDH-ES.
	template := `{"kty":"EC","crv":"P-256"}`
	switch suite {
	case "ECDH-ES/X25519", "ECDH-ES+A256KW/X25519":
		template = `{"kty":"OKP","crv":"X25519"}`
	case "EdDSA":
		template = `{"kty":"OKP","crv":"Ed25519"}`
	case "RS256", "PS256", "RSA-OAEP-256", "RSA-OAEP":
		template = `{"kty":"RSA","bits":2048}`
	}
	made.Private, err = l.named(suite, "jwk", "gen", "-i", template)
	if err != nil {
		return made, err
	}
	public, err := l.run(string(made.Private), "jwk", "pub", "-i", "-")
	made.Public = json.RawMessage(public)
	return made, err
}

// named adds the members that the command leaves out of a key: kid, use and alg.
func (l latchset) named(suite string, args ...string) (json.RawMessage, error) {
	key, err := l.run("", args...)
	if err != nil {
		return nil, err
	}
	thumbprint, err := l.run(key, "jwk", "thp", "-i", "-")
	if err != nil {
		return nil, err
	}
	var jwk members
	if err := json.Unmarshal([]byte(key), &jwk); err != nil {
		return nil, err
	}
	jwk["kid"], jwk["use"], jwk["alg"] = strings.TrimSpace(thumbprint), useOf(suite), algOfSuite(suite)
	return json.Marshal(jwk)
}

func (l latchset) republish(set json.RawMessage) (json.RawMessage, error) {
	out, err := l.run(string(set), "jwk", "pub", "-s", "-i", "-")
	return json.RawMessage(out), err
}

func (l latchset) sign(claims, header members, private json.RawMessage) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return l.make(string(payload), header, private, "jws", "sig", "-I", "-", "-s")
}

func (l latchset) verify(token string, public json.RawMessage, want expected) (claims, header members, err error) {
	payload, header, err := l.read(token, public, "jws", "ver", "-O", "-")
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal([]byte(payload), &claims); err != nil {
		return nil, nil, err
	}
	exp, _ := claims["exp"].(float64)
	if header["alg"] != want.alg || header["typ"] != want.typ ||
		claims["iss"] != want.iss || !isFor(claims["aud"], want.aud) || int64(exp) <= time.Now().Unix() {
		return nil, nil, errors.New("not what was expected")
	}
	return claims, header, nil
}

// isFor reports whether a token is for an audience, one of several or the only one.
func isFor(aud any, want string) bool {
	several, ok := aud.([]any)
	return aud == want || ok && slices.Contains(several, any(want))
}

func (l latchset) encrypt(plaintext string, header members, public json.RawMessage) (string, error) {
	return l.make(plaintext, header, public, "jwe", "enc", "-I", "-", "-i")
}

func (l latchset) decrypt(token string, private json.RawMessage, alg, enc string) (string, members, error) {
	plaintext, header, err := l.read(token, private, "jwe", "dec")
	if err == nil && (header["alg"] != alg || header["enc"] != enc) {
		err = errors.New("not the algorithms that were expected")
	}
	return plaintext, header, err
}

// make runs a command that makes a token. Its last argument takes a template with the protected
// header.
func (l latchset) make(stdin string, header members, jwk json.RawMessage, args ...string) (string, error) {
	template, err := json.Marshal(members{"protected": header})
	if err != nil {
		return "", err
	}
	key, err := l.file(jwk)
	if err != nil {
		return "", err
	}
	return l.run(stdin, append(args, string(template), "-c", "-k", key)...)
}

// read runs a command that reads a token. The command does not show the header.
func (l latchset) read(token string, jwk json.RawMessage, args ...string) (plaintext string, header members, err error) {
	key, err := l.file(jwk)
	if err != nil {
		return "", nil, err
	}
	plaintext, err = l.run(token, append(args, "-i", "-", "-k", key)...)
	if err != nil {
		return "", nil, err
	}
	first, _, _ := strings.Cut(token, ".")
	data, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return "", nil, err
	}
	return plaintext, header, json.Unmarshal(data, &header)
}
