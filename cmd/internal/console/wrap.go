package console

import (
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// standardWidth is the width of a line when stdout is not a terminal.
const standardWidth = 80

// Width returns how many columns the terminal at stdout has, and 80 if stdout is not a terminal.
func (c *Console) Width() int {
	if f, ok := c.Stdout.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return standardWidth
}

// Wrap returns a text with its paragraphs filled to a width. Empty lines part paragraphs, and
// a line that begins with a space stays as it is. The last line ends with a line feed.
func Wrap(text string, width int) string {
	var b strings.Builder
	column := 0
	end := func() {
		if column > 0 {
			b.WriteByte('\n')
			column = 0
		}
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if line == "" || line[0] == ' ' {
			end()
			b.WriteString(line + "\n")
			continue
		}
		for _, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word)
			if column > 0 && column+1+n > width {
				end()
			}
			if column > 0 {
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += n
		}
	}
	end()
	return b.String()
}
