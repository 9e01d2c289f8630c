package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// sniffed is how many bytes tell whether a file in a folder is text.
const sniffed = 8 << 10

// scanAll scans the inputs that the arguments name. If there are several, or one is a folder, a
// file that cannot be read is reported and counted, and the scan goes on.
func (a *App) scanAll(ctx context.Context, s *scan, args []string) error {
	several := len(args) > 1
	for _, path := range args {
		info, err := os.Stat(path)
		var broken error
		if path != "-" && err == nil && info.IsDir() {
			several = true
			broken = a.scanFolder(ctx, s, path)
		} else {
			broken = a.scanFile(ctx, s, path)
		}
		if broken == nil {
			if several && !(err == nil && info.IsDir()) {
				s.walked++
			}
			continue
		}
		text := a.missed(s, path, broken)
		switch {
		case !several || ctx.Err() != nil || s.outputFails():
			return broken
		case isCompressed(broken):
			s.compressed++
			continue
		}
		s.live.Clear()
		a.Say("%s", text)
		s.unread++
	}
	if !several {
		s.summary = summary{}
	}
	return nil
}

// missed returns the text of the error for an input that was not read, and notes it for SARIF.
func (a *App) missed(s *scan, name string, err error) string {
	_, text := a.Describe(err)
	if s.sarif != nil && !isCompressed(err) { // scan.run has noted that as a limit
		s.sarif.run.missed(text, wholeFile(name))
	}
	return text
}

// outputFails flushes the result, and reports whether it cannot be written.
func (s *scan) outputFails() bool { return s.out.Flush() != nil }

func (a *App) scanFile(ctx context.Context, s *scan, path string) error {
	name, in, err := a.Stream([]string{path})
	if err != nil {
		return err
	}
	defer in.Close()
	return s.run(ctx, name, in)
}

// scanFolder reads the regular files in a folder. A link in it, which may lead out of it, is not
// followed, neither when the files are listed nor when one is opened.
func (a *App) scanFolder(ctx context.Context, s *scan, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return console.CannotRead(folder, err)
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		name := filepath.Join(folder, filepath.FromSlash(path))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			s.skipped++
			return nil
		default:
			err = s.entry(ctx, root, path, name)
		}
		if s.outputFails() {
			return err
		}
		if err != nil {
			s.unread++
			s.live.Clear()
			if _, ok := errors.AsType[*console.Failure](err); !ok {
				err = console.CannotRead(name, err)
			}
			a.Say("%s", a.missed(s, name, err))
		}
		return nil
	})
}

// entry scans one file in a folder, if it is a text. It counts a file that is binary or compressed.
func (s *scan) entry(ctx context.Context, root *os.Root, path, name string) error {
	f, err := root.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		s.skipped++
		return err
	}
	head := make([]byte, sniffed)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if isBinary(head[:n]) {
		// Most compressed files look binary, too.
		if _, err := leak.NewFinder(bytes.NewReader(head[:n])).Next(ctx); !isCompressed(err) {
			s.skipped++
			return nil
		}
	}
	err = s.run(ctx, name, io.MultiReader(bytes.NewReader(head[:n]), f))
	if isCompressed(err) {
		s.compressed++
		return nil
	}
	if err == nil {
		s.walked++
	}
	return err
}

// isCompressed reports whether a scan ended because the file is compressed. Then scan.run has
// already reported the file and the limit.
func isCompressed(err error) bool {
	_, ok := errors.AsType[*leak.CompressedError](err)
	return ok
}

// isBinary reports whether the beginning of a file has a byte 0 and is not in UTF-16. UTF-16 has a
// byte order mark, or its ASCII characters put a byte 0 in every second place.
func isBinary(head []byte) bool {
	zero := bytes.IndexByte(head, 0)
	isUTF16 := bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) ||
		len(head) >= 4 && (head[0] == 0) != (head[1] == 0) && (head[0] == 0) == (head[2] == 0) && (head[1] == 0) == (head[3] == 0)
	return zero >= 0 && !isUTF16
}
