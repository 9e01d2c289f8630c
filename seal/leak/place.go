package leak

import (
	"bytes"
	"encoding/binary"
)

// place sets the line and the columns of a place in buf.
func (f *Finder) place(s *Sighting, start int) {
	f.count(start)
	s.Line, s.Column, s.ColumnUTF16 = f.lines+1, f.offset(start)-f.lineStart+1, f.units+1
	if f.marked && s.Line == 1 {
		s.ColumnUTF16--
	}
}

// count counts line feeds and code units up to a place in buf, which may be before the last
// place that was counted.
func (f *Finder) count(to int) {
	if to < f.counted {
		f.countBack(to)
		return
	}
	passed := f.buf[f.counted:to]
	if n := bytes.Count(passed, []byte{'\n'}); n > 0 {
		f.lines += int64(n)
		f.counted += bytes.LastIndexByte(passed, '\n') + 1
		f.lineStart, f.units = f.offset(f.counted), 0
	}
	f.units += f.unitsIn(f.counted, to)
	f.counted = to
}

func (f *Finder) countBack(to int) {
	n := bytes.Count(f.buf[to:f.counted], []byte{'\n'})
	if n == 0 {
		f.units -= f.unitsIn(to, f.counted)
		f.counted = to
		return
	}
	f.counted = to
	f.lines -= int64(n)
	if i := bytes.LastIndexByte(f.buf[:to], '\n') + 1; i > 0 {
		f.lineStart, f.units = f.offset(i), f.unitsIn(i, to)
		return
	}
	f.lineStart, f.units = f.headStart, f.headUnits+f.unitsIn(0, to)
}

// offset returns where a byte of buf is in the input.
func (f *Finder) offset(i int) int64 {
	gone := f.entities.all - f.entities.before(i)
	return f.read - int64(len(f.tail)+len(f.buf)-i) - gone
}

// unitsIn returns how many code units of UTF-16 the input has where buf[from:to] stands in it. An
// entity has one for each of its bytes.
func (f *Finder) unitsIn(from, to int) int64 {
	return unitsOf(f.buf[from:to]) + f.entities.before(to) - f.entities.before(from)
}

// unitsOf returns how many code units of UTF-16 a text in UTF-8 has. A character has one, and
// one of four bytes has two. The text may begin and end within a character: a unit counts
// where its character begins.
func unitsOf(text []byte) (n int64) {
	for len(text) > 0 {
		if len(text) >= 8 && binary.LittleEndian.Uint64(text)&0x8080808080808080 == 0 { // all of it is ASCII
			n += 8
			text = text[8:]
			continue
		}
		some := text[:min(8, len(text))]
		for _, b := range some {
			if b&0xC0 != 0x80 {
				n++
			}
			if b>>3 == 0b11110 {
				n++
			}
		}
		text = text[len(some):]
	}
	return n
}
