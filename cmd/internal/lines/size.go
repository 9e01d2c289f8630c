package lines

import (
	"io"
	"os"
)

// SizeOf returns how many bytes an input has from its present offset, or 0 where the input is not a
// regular file: the length of a pipe is not known. in is the file itself, or a reader around stdin.
func SizeOf(in, stdin io.Reader) int64 {
	f, ok := in.(*os.File)
	if !ok {
		if f, ok = stdin.(*os.File); !ok {
			return 0
		}
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	at, err := f.Seek(0, io.SeekCurrent) // an earlier process may have read a part of stdin
	if err != nil {
		return 0
	}
	return max(0, info.Size()-at)
}
