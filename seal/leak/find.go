package leak

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
)

// chunk is how many bytes a Finder reads at a time: few enough to stay in the cache of a processor.
const chunk = 256 << 10

// Sighting is a token in a text, and where it is.
type Sighting struct {
	// Line and Column say where the token begins, counted from 1. The column counts bytes, of UTF-8
	// where the text is UTF-16. Of a token in a Base64 value they say where the value begins.
	Line, Column int64

	// ColumnUTF16 is the column in code units of UTF-16, as SARIF and many editors count. A
	// byte order mark does not count. In a text that is neither UTF-8 nor UTF-16 the figure is
	// wrong where bytes from 0x80 stand before the token in its line.
	ColumnUTF16 int64

	// Token is the token in its compact or JSON serialization, with the encodings of the text
	// undone: a credential. It is empty if Limit is not.
	Token string

	// Encoded reports whether the token stands in a Base64 value.
	Encoded bool

	// Limit is the limit because of which the text at the place was not read.
	Limit Limit
}

// Finder finds the tokens in a text of any length, in buffers of fixed size: about 4 MiB. It is
// for one goroutine.
type Finder struct {
	r     io.Reader
	chunk int
	most  int // the largest capacity of buf, which grows when a token needs it
	scan  scanner
	begun bool
	atEnd bool  // of the input
	over  bool  // nothing more is looked at
	err   error // that ended the input
	holed bool  // a byte 0 was told
	whole int   // up to here buf has none
	hits  []hit

	buf      []byte // with entities undone
	entities entities
	tail     []byte // that follows buf, and may be the beginning of an entity
	from     int    // buf[from:] is what the scanner has not looked at
	wanted   int64  // the length of the input that is read before the scanner looks again

	read      int64 // bytes of the input, up to the end of tail
	lines     int64 // line feeds before counted
	lineStart int64 // where the line of counted begins, in the input
	units     int64 // of UTF-16, from lineStart to counted
	counted   int   // in buf
	headStart int64 // lineStart of the first byte of buf
	headUnits int64 // units of the first byte of buf
	marked    bool  // the text begins with a byte order mark
}

// NewFinder returns a Finder of the tokens in the text that r reads: in UTF-8, UTF-16, or any
// encoding in which ASCII stands for itself. It reads nothing yet.
func NewFinder(r io.Reader) *Finder { return newFinder(r, maxToken, chunk) }

func newFinder(r io.Reader, most, chunk int) *Finder {
	return &Finder{r: r, chunk: chunk, most: lookBack + most + slack + chunk + 64, scan: scanner{most: most, object: -1}}
}

// Read returns how many bytes of the text were read. Of a text in UTF-16 it counts the bytes of the
// same text in UTF-8.
func (f *Finder) Read() int64 {
	if f == nil {
		return 0
	}
	return f.read
}

// Next returns the next token, or the next place where a limit was reached. A token that a text
// repeats is returned each time.
//
// The error is [io.EOF] at the end of the text, a [CompressedError], the context's error, or the
// error of the reader. Next first returns the tokens in the text before the reader's error. With an
// error the Sighting is empty, and every later call returns the same error.
func (f *Finder) Next(ctx context.Context) (Sighting, error) {
	if f == nil || f.r == nil {
		return Sighting{}, io.EOF
	}
	for len(f.hits) == 0 {
		if f.over || f.atEnd && f.from >= len(f.buf) {
			return Sighting{}, f.err
		}
		if err := f.more(ctx); err != nil {
			f.over, f.err = true, err
		}
	}
	h := f.hits[0]
	f.hits = f.hits[1:]
	s := Sighting{Token: h.token, Encoded: h.encoded, Limit: h.limit}
	f.place(&s, h.start)
	return s, nil
}

// more reads on and looks for tokens.
func (f *Finder) more(ctx context.Context) error {
	f.release()
	done := len(f.buf)
	f.buf = append(f.buf, f.tail...)
	f.tail = f.tail[:0]
	for first := true; first || f.read < f.wanted && !f.atEnd && len(f.buf)+f.chunk <= f.most; first = false {
		if err := f.fill(ctx); err != nil {
			return err
		}
	}
	text, cut := f.entities.undo(f.buf, done, f.atEnd)
	f.buf, f.tail = text[:cut], append(f.tail, text[cut:]...)
	if f.offset(0) == 0 {
		f.marked = bytes.HasPrefix(f.buf, []byte("\uFEFF"))
	}
	f.scan.hits = f.scan.hits[:0]
	f.from = f.scan.scan(f.buf, f.from, f.atEnd)
	f.hits = f.scan.hits
	f.binary()
	// The scanner reads a value that is not complete again from its beginning. It waits until the value
	// is longer by half: otherwise each read would look at all bytes of a long value.
	f.wanted = f.read + int64(len(f.buf)-f.from)/2
	return nil
}

// binary adds a limit for the first byte 0 in a text that is not in UTF-16: the bytes around may be
// in an encoding that a Finder does not know.
func (f *Finder) binary() {
	if f.holed || f.whole >= f.from {
		return
	}
	i := bytes.IndexByte(f.buf[f.whole:f.from], 0)
	if i += f.whole; i < f.whole {
		f.whole = f.from
		return
	}
	f.holed = true
	at, _ := slices.BinarySearchFunc(f.hits, i, func(h hit, i int) int { return h.start - i })
	f.hits = slices.Insert(f.hits, at, hit{start: i, end: i + 1, limit: LimitBinary})
}

// release lets go of the text before from, except for the bytes that the scanner may look back at.
func (f *Finder) release() {
	keep := max(0, f.from-lookBack)
	if keep == 0 {
		return
	}
	f.count(keep)
	f.buf = f.buf[:copy(f.buf, f.buf[keep:])]
	f.from, f.whole = f.from-keep, max(0, f.whole-keep)
	f.scan.release(keep)
	f.entities.release(keep)
	f.counted = 0
	f.headStart, f.headUnits = f.lineStart, f.units
}

// fill reads the next bytes of the input. It does not wait for a full buffer, so that a caller can
// follow a log.
func (f *Finder) fill(ctx context.Context) error {
	if !f.begun {
		if err := f.begin(ctx); err != nil || len(f.buf) > 0 || f.atEnd {
			return err
		}
	}
	if room := cap(f.buf) - len(f.buf); room < f.chunk && cap(f.buf) < f.most {
		f.buf = append(make([]byte, 0, min(f.most, 2*cap(f.buf)+lookBack+f.chunk)), f.buf...)
	}
	for range 100 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.r.Read(f.buf[len(f.buf):min(cap(f.buf), len(f.buf)+f.chunk)])
		f.buf = f.buf[:len(f.buf)+n]
		f.read += int64(n)
		if f.ended(err); n > 0 || err != nil {
			return nil
		}
	}
	f.ended(io.ErrNoProgress)
	return nil
}

// begin reads the first bytes of the input, which tell its encoding or compression.
func (f *Finder) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.begun = true
	var head [maxMagic]byte
	n, err := 0, error(nil)
	for stuck := 0; n < len(head) && err == nil; {
		var m int
		if m, err = f.r.Read(head[n:]); m > 0 {
			n, stuck = n+m, 0
		} else if stuck++; stuck > 100 {
			err = io.ErrNoProgress
		}
	}
	if format := compression(head[:n]); format != "" {
		return &CompressedError{format}
	}
	for low := range 2 {
		if isUTF16(head[:n], low) {
			rest := f.r
			if err != nil {
				rest = failing{err}
			}
			f.r = &utf16Reader{r: io.MultiReader(bytes.NewReader(head[:n]), rest), d: utf16Decoder{low: low}}
			return nil
		}
	}
	f.buf = append(f.buf, head[:n]...)
	f.read += int64(n)
	f.ended(err)
	return nil
}

// ended notes that the text ends because of an error. The scanner first looks at the bytes before it.
func (f *Finder) ended(err error) {
	if err == nil {
		return
	}
	if f.atEnd = true; f.err == nil {
		f.err = err
		if errors.Is(err, io.EOF) {
			f.err = io.EOF
		}
	}
}

// failing is a reader that has failed.
type failing struct{ err error }

func (r failing) Read([]byte) (int, error) { return 0, r.err }
