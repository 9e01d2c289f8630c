//go:build unix

package kekfile

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Read takes testKey for random bytes. It ends in CRLF, and its Base64 form begins with AP/7++++.
var testKey = []byte("\x00\xff\xfb\xfb\xef\xbebinary key file 01234567\r\n")

// writeKey writes a file with this mode, whatever the umask is.
func writeKey(t *testing.T, content []byte, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kek")
	if err := errors.Join(os.WriteFile(path, content, 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

// contents returns contents of a KEK file. Those without a refusal hold testKey.
func contents() map[string]struct {
	content []byte
	refusal string
} {
	type c = struct {
		content []byte
		refusal string
	}
	std, raw := base64.StdEncoding.EncodeToString(testKey), base64.RawStdEncoding.EncodeToString(testKey)
	url, rawURL := base64.URLEncoding.EncodeToString(testKey), base64.RawURLEncoding.EncodeToString(testKey)
	hexText := hex.EncodeToString(testKey)
	// The last of the 43 characters carries two bits that must be zero.
	loose := raw[:42] + string(raw[42]+1)
	return map[string]c{
		"raw, ends in CRLF":            {testKey, ""},
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
		"31 bytes":                     {testKey[:31], "has 31 bytes, "},
		"33 bytes":                     {append(bytes.Clone(testKey), 'x'), "has 33 bytes, "},
		"raw and a line feed":          {append(bytes.Clone(testKey), '\n'), "has 33 bytes, "},
		"64 bytes":                     {bytes.Repeat(testKey, 2), "has 64 bytes or more, "},
		"a megabyte":                   {bytes.Repeat(testKey, 1<<15), "has 1048576 bytes, "},
		"hexadecimal of 16 bytes":      {[]byte(hexText[:32]), "has 32 bytes of text, "},
		"hexadecimal of 16 bytes, LF":  {[]byte(hexText[:32] + "\n"), "has 33 bytes of text, "},
		"31 characters and LF":         {[]byte(hexText[:31] + "\n"), "has 32 bytes of text, "},
		"30 characters and CRLF":       {[]byte(hexText[:30] + "\r\n"), "has 32 bytes of text, "},
		"hexadecimal of 32 bytes":      {[]byte(hexText), "has 64 bytes or more, "},
		"hexadecimal of 32 bytes, LF":  {[]byte(hexText + "\n"), "has 65 bytes of text, "},
		"Base64 of 31 bytes":           {[]byte(base64.StdEncoding.EncodeToString(testKey[:31])), "has 44 bytes of text, "},
		"Base64 of 33 bytes":           {[]byte(base64.StdEncoding.EncodeToString(append(bytes.Clone(testKey), 0))), "has 44 bytes of text, "},
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

func TestReadContents(t *testing.T) {
	for name, c := range contents() {
		// Read gets the content from a file, and then from a pipe that a shell process fills.
		fifo := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		wrote := fill(t, fifo, c.content)
		for kind, path := range map[string]string{"file": writeKey(t, c.content, 0o600), "pipe": fifo} {
			k, err := Read(path)
			switch {
			case c.refusal == "" && (err != nil || !bytes.Equal(k, testKey)):
				t.Errorf("%s, %s: %v", name, kind, err)
			case c.refusal == "":
			case k != nil || err == nil || !strings.Contains(err.Error(), path):
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

// fill writes to a fifo. It opens both ends, so that neither a reader nor the writer waits for the
// other. The returned function ends the writer.
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

// A process holds a pipe and writes nothing, or less than a key, or endlessly.
func TestReadPipe(t *testing.T) {
	for name, c := range map[string]struct {
		write []byte
		close bool
		want  error
	}{
		"nothing":       {nil, false, os.ErrDeadlineExceeded},
		"half a key":    {testKey[:16], false, os.ErrDeadlineExceeded},
		"a key, no end": {testKey, false, os.ErrDeadlineExceeded},
		"more":          {bytes.Repeat(testKey, 4), false, nil},
		"a key":         {testKey, true, nil},
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
		if want := c.write[:min(len(c.write), maxRead)]; c.want == nil && (err != nil || !bytes.Equal(data, want)) {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
		w.Close()
		r.Close()
	}
}

// The owner and the group may read, the owner may write, and no other access is allowed.
func TestReadModes(t *testing.T) {
	for mode := range fs.FileMode(0o1000) {
		if mode&0o400 == 0 {
			continue // only root could read this one
		}
		k, err := Read(writeKey(t, testKey, mode))
		switch mode {
		case 0o400, 0o600, 0o440, 0o640:
			if err != nil || !bytes.Equal(k, testKey) {
				t.Errorf("mode %04o: %v", mode, err)
			}
		default:
			if k != nil || err == nil || !strings.Contains(err.Error(), "chmod 600 ") {
				t.Errorf("mode %04o: %v", mode, err)
			}
		}
	}
}

// Kubernetes mounts a secret as ..2026/kek, with the links kek -> ..data/kek and ..data -> ..2026.
// When the secret changes it points ..data to another folder.
func TestReadLinks(t *testing.T) {
	dir := t.TempDir()
	link, data, folder := filepath.Join(dir, "kek"), filepath.Join(dir, "..data"), filepath.Join(dir, "..2026")
	must[any](nil, errors.Join(os.Mkdir(folder, 0o755), os.WriteFile(filepath.Join(folder, "kek"), testKey, 0o440),
		os.Symlink("..2026", data), os.Symlink("..data/kek", link)))(t)
	if k, err := Read(link); err != nil || !bytes.Equal(k, testKey) {
		t.Errorf("secret: %v", err)
	}
	must[any](nil, os.Chmod(filepath.Join(folder, "kek"), 0o444))(t)
	if k, err := Read(link); k != nil || err == nil || !strings.Contains(err.Error(), "mode 0444") {
		t.Errorf("a link to a file that every user can read: %v", err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	fifo, open, loop := filepath.Join(dir, "fifo"), filepath.Join(dir, "open"), filepath.Join(dir, "loop")
	must[any](nil, errors.Join(syscall.Mkfifo(fifo, 0o600), syscall.Mkfifo(open, 0o600), os.Chmod(open, 0o604), os.Symlink(loop, loop)))(t)
	for path, want := range map[string]string{
		dir: "is neither a file nor a pipe", "/dev/null": "is neither a file nor a pipe", loop: "",
		fifo: "no process has written to it", open: "(mode 0604): chmod 600 ",
	} {
		k, err := Read(path)
		if k != nil || err == nil || errors.Is(err, fs.ErrNotExist) ||
			!strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	_, err := Read(filepath.Join(dir, "missing"))
	wantError(t, err, fs.ErrNotExist)
}
