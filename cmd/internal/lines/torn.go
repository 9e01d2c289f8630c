package lines

import (
	"fmt"
	"io"
	"os"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// checkWhole refuses to append to a result that ends in the middle of a line, as after a run
// that was killed: the next line would be glued to it, and both be lost. It passes a result that
// is not a file, or that this system does not let us read.
func checkWhole(stdout io.Writer) error {
	out, ok := stdout.(*os.File)
	if !ok {
		return nil
	}
	info, err := out.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil
	}
	// A file to which the shell appends is open for writing alone.
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
