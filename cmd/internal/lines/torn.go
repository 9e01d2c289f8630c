package lines

import (
	"fmt"
	"io"
	"os"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// checkWhole refuses to append to a result that ends in the middle of a line, as after a run
// that was killed: the next line would be appended to that line, and both would be useless. It
// returns nil if the result is not a file, or if it cannot be read.
func checkWhole(stdout io.Writer) error {
	out, ok := stdout.(*os.File)
	if !ok {
		return nil
	}
	info, err := out.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil
	}
	// The shell opens a file for >> only for writing, so it is opened again for reading.
	result, err := os.Open(fmt.Sprintf("/dev/fd/%d", out.Fd()))
	if err != nil {
		return nil
	}
	defer result.Close()
	var last [1]byte
	if _, err := result.ReadAt(last[:], info.Size()-1); err != nil || last[0] == '\n' {
		return nil
	}
	return console.Usagef("the result ends in the middle of a line: cut that off, with head -n $(wc -l <result) result >whole && mv whole result, and go on")
}
