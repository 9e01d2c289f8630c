package console

import (
	"bytes"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"one two three", "one two\nthree\n"},
		{"one\ntwo\nthree four", "one two\nthree\nfour\n"},
		{"one\n\ntwo", "one\n\ntwo\n"},
		{"one:\n\n  a line as it is\n\ntwo", "one:\n\n  a line as it is\n\ntwo\n"},
		{"overlongword x", "overlongword\nx\n"},
		{"é é é é é é", "é é é é\né é\n"},
		{"one two\n", "one two\n"},
	} {
		if got := Wrap(c.text, 8); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.text, got, c.want)
		}
	}
}

func TestWidthWithoutTerminal(t *testing.T) {
	if got := New("x", nil, &bytes.Buffer{}, nil).Width(); got != 80 {
		t.Errorf("%d columns, want 80", got)
	}
}
