package cli

import (
	"errors"
	"fmt"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/seal/leak"
)

// unpack names, for each format of compression, the command that prints the text in the file. A
// compressed file is not called clean, since scan did not look into it: scan reports it as a limit
// that was reached, and ends with the exit code of a limit.
var unpack = map[string]string{
	"gzip": "zcat FILE", "zstd": "zstdcat FILE", "xz": "xzcat FILE", "lzma": "xzcat FILE", "bzip2": "bzcat FILE", "zip": "unzip -p FILE",
	"lz4": "lz4cat FILE", "7z": "7z x -so FILE", "zlib": "pigz -dc <FILE", "lzip": "lzip -dc FILE", "lzop": "lzop -dc FILE",
	"compress": "zcat FILE", "rar": "unrar p -inul FILE", "snappy": "snzip -dc FILE",
}

// cannotScan returns the error for an input that the scan could not read to its end.
func cannotScan(name string, err error) error {
	if c, ok := errors.AsType[*leak.CompressedError](err); ok {
		return &console.Failure{Err: &compressedFile{name, c}, Code: console.ExitPolicy, Advice: unpack[c.Format] + " | sealjwt scan"}
	}
	return console.CannotRead(name, err)
}

// compressedFile is a CompressedError with the name of the file.
type compressedFile struct {
	name  string
	cause *leak.CompressedError
}

func (e *compressedFile) Unwrap() error { return e.cause }
func (e *compressedFile) Error() string {
	return fmt.Sprintf("%s is compressed (%s), and no token could be seen in it", e.name, e.cause.Format)
}
