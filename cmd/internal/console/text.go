package console

import (
	"bytes"
	"errors"
	"fmt"
)

var ByteOrderMark = []byte("\uFEFF")

// ErrUTF16 says that a text is not in UTF-8. Windows PowerShell writes such files with >.
var ErrUTF16 = errors.New("it is text in UTF-16")

// longestFrame is how many bytes of a text file mean nothing: a byte order mark, and CRLF.
const longestFrame = len("\uFEFF") + len("\r\n")

// PlainText returns a text as a person means it: without the byte order mark at its start,
// which RFC 8259 section 8.1 allows a reader to pass over, and without the line ending at its
// end, which editors and echo add. Nothing else is dropped.
func PlainText(name string, data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte("\xFF\xFE")) || bytes.HasPrefix(data, []byte("\xFE\xFF")) {
		return nil, &Failure{
			Err: fmt.Errorf("%s: %w", name, ErrUTF16), Code: ExitUsage,
			Advice: "save it as UTF-8; in PowerShell, with: Out-File -Encoding utf8",
		}
	}
	return WithoutEnding(bytes.TrimPrefix(data, ByteOrderMark)), nil
}

// WithoutEnding drops one line ending, of either kind.
func WithoutEnding(line []byte) []byte {
	if before, ended := bytes.CutSuffix(line, []byte("\n")); ended {
		return bytes.TrimSuffix(before, []byte("\r"))
	}
	return line
}
