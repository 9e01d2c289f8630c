package keyring

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kekContents are contents of a KEK file. Those without a refusal hold fileKEK.
func kekContents() map[string]struct {
	content []byte
	refusal string
} {
	type c = struct {
		content []byte
		refusal string
	}
	std, raw := base64.StdEncoding.EncodeToString(fileKEK), base64.RawStdEncoding.EncodeToString(fileKEK)
	url, rawURL := base64.URLEncoding.EncodeToString(fileKEK), base64.RawURLEncoding.EncodeToString(fileKEK)
	hexText := hex.EncodeToString(fileKEK)
	// The last character of 43 carries two bits that must be zero.
	loose := raw[:42] + string(raw[42]+1)
	return map[string]c{
		"raw, ends in CRLF":            {fileKEK, ""},
		"Base64":                       {[]byte(std), ""},
		"Base64, LF":                   {[]byte(std + "\n"), ""},
		"Base64, CRLF":                 {[]byte(std + "\r\n"), ""},
		"Base64 without padding":       {[]byte(raw), ""},
		"Base64 without padding, LF":   {[]byte(raw + "\n"), ""},
		"Base64url":                    {[]byte(rawURL), ""},
		"Base64url, CRLF":              {[]byte(rawURL + "\r\n"), ""},
		"Base64url with padding":       {[]byte(url), ""},
		"empty":                        {nil, "has 0 bytes, "},
		"a line feed":                  {[]byte("\n"), "has 1 byte of text, "},
		"31 bytes":                     {fileKEK[:31], "has 31 bytes, "},
		"33 bytes":                     {append(bytes.Clone(fileKEK), 'x'), "has 33 bytes, "},
		"raw and a line feed":          {append(bytes.Clone(fileKEK), '\n'), "has 33 bytes, "},
		"64 bytes":                     {bytes.Repeat(fileKEK, 2), "has 64 bytes or more, "},
		"a megabyte":                   {bytes.Repeat(fileKEK, 1<<15), "has 1048576 bytes, "},
		"hexadecimal of 16 bytes":      {[]byte(hexText[:32]), "has 32 bytes of text, "},
		"hexadecimal of 16 bytes, LF":  {[]byte(hexText[:32] + "\n"), "has 33 bytes of text, "},
		"31 characters and LF":         {[]byte(hexText[:31] + "\n"), "has 32 bytes of text, "},
		"30 characters and CRLF":       {[]byte(hexText[:30] + "\r\n"), "has 32 bytes of text, "},
		"hexadecimal of 32 bytes":      {[]byte(hexText), "has 64 bytes or more, "},
		"hexadecimal of 32 bytes, LF":  {[]byte(hexText + "\n"), "has 65 bytes of text, "},
		"Base64 of 31 bytes":           {[]byte(base64.StdEncoding.EncodeToString(fileKEK[:31])), "has 44 bytes of text, "},
		"Base64 of 33 bytes":           {[]byte(base64.StdEncoding.EncodeToString(append(bytes.Clone(fileKEK), 0))), "has 44 bytes of text, "},
		"Base64, two line feeds":       {[]byte(std + "\n\n"), "has 46 bytes"},
		"short Base64, two line feeds": {[]byte(raw + "\n\n"), "has 45 bytes"},
		"Base64, a line feed within":   {[]byte(raw[:20] + "\n" + raw[20:]), "has 44 bytes"},
		"Base64, a space behind":       {[]byte(std + " "), "has 45 bytes of text, "},
		"Base64, a space before":       {[]byte(" " + raw), "has 44 bytes of text, "},
		"Base64, CR":                   {[]byte(raw + "\r"), "has 44 bytes"},
		"Base64, byte order mark":      {[]byte("\xef\xbb\xbf" + raw), "has 46 bytes"},
		"both alphabets":               {[]byte(strings.Replace(raw, "/", "_", 1)), "has 43 bytes of text, "},
		"loose last character":         {[]byte(loose), "has 43 bytes of text, "},
		"two paddings":                 {[]byte(raw + "=="), "has 45 bytes of text, "},
		"32 spaces":                    {bytes.Repeat([]byte(" "), 32), "has 32 bytes of text, "},
	}
}

func TestKEKFileContents(t *testing.T) {
	for name, c := range kekContents() {
		// Once as a file, and once as a pipe that a process of the shell fills.
		fifo := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		wrote := fill(t, fifo, c.content)
		for kind, path := range map[string]string{"file": writeKEK(t, c.content, 0o600), "pipe": fifo} {
			k, err := KEKFile(path)
			switch {
			case c.refusal == "" && (err != nil || k.ID() != fileID(t)):
				t.Errorf("%s, %s: %v", name, kind, err)
			case c.refusal == "":
			case k != nil || !errors.Is(err, ErrKEK) || !strings.Contains(err.Error(), path):
				t.Errorf("%s, %s: %v", name, kind, err)
			case kind == "file" && !strings.Contains(err.Error(), c.refusal):
				t.Errorf("%s: %v, want %q", name, err, c.refusal)
			case len(c.content) > 8 && len(bytes.TrimSpace(c.content)) > 0 && strings.Contains(err.Error(), string(c.content[:8])):
				t.Errorf("%s: the error shows the content: %v", name, err)
			}
		}
		wrote()
	}
}

// fill writes to a fifo, of which it opens both ends, so that neither a reader nor the writer
// waits for the other. The returned function ends the writer.
func fill(t *testing.T, fifo string, content []byte) (wait func()) {
	t.Helper()
	r, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Write(content)
		w.Close()
	}()
	return func() { r.Close(); <-done }
}

// A process that holds a pipe and writes nothing, or less than a key, or without an end.
func TestReadPipe(t *testing.T) {
	for name, c := range map[string]struct {
		write []byte
		close bool
		want  error
	}{
		"nothing":       {nil, false, os.ErrDeadlineExceeded},
		"half a key":    {fileKEK[:16], false, os.ErrDeadlineExceeded},
		"a key, no end": {fileKEK, false, os.ErrDeadlineExceeded},
		"more":          {bytes.Repeat(fileKEK, 4), false, nil},
		"a key":         {fileKEK, true, nil},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(c.write); err != nil {
			t.Fatal(err)
		}
		wait := time.Millisecond
		if c.want == nil {
			wait = maxPipeWait
		}
		if c.close {
			w.Close()
		}
		data, err := readPipe(r, wait)
		if c.want != nil && (data != nil || err == nil || !strings.Contains(err.Error(), "no process has closed")) {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
		if want := c.write[:min(len(c.write), maxKEKFile)]; c.want == nil && (err != nil || !bytes.Equal(data, want)) {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
		w.Close()
		r.Close()
	}
}

// The draw that KEKFile would refuse is drawn again.
func TestDrawKEK(t *testing.T) {
	text, lines := bytes.Repeat([]byte("k"), 32), append(bytes.Repeat([]byte("k"), 30), "\r\n"...)
	key, err := drawKEK(io.MultiReader(bytes.NewReader(text), bytes.NewReader(lines), bytes.NewReader(fileKEK)))
	if err != nil || !bytes.Equal(key, fileKEK) {
		t.Errorf("%q, %v", key, err)
	}
	a, errA := drawKEK(rand.Reader)
	b, errB := drawKEK(rand.Reader)
	if err := errors.Join(errA, errB); err != nil || bytes.Equal(a, b) {
		t.Errorf("the same key twice (%v)", err)
	}
}
