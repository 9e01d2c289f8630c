package leak

import (
	"fmt"
	"strings"
)

// CompressedError is the error of [Finder.Next] for a text in which nothing can be seen, since
// it is compressed. To call it clean would be wrong.
type CompressedError struct{ Format string } // such as gzip, zstd, xz, bzip2, lz4, 7z or zip

func (e *CompressedError) Error() string {
	if e == nil {
		return "leak: the text is compressed"
	}
	return fmt.Sprintf("leak: the text is compressed (%s), and no token can be seen in it", e.Format)
}

// compressed lists the bytes with which a compressed file begins, by format. A ? stands for any byte.
var compressed = []struct{ magic, format string }{
	{"\x1f\x8b", "gzip"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"\xfd7zXZ\x00", "xz"}, {"BZh?1AY&SY", "bzip2"},
	{"BZh?\x17rE8P\x90", "bzip2"}, // of an empty text
	{"PK\x03\x04", "zip"}, {"PK\x05\x06", "zip"}, {"PK\x07\x08", "zip"},
	{"\x04\x22\x4d\x18", "lz4"}, {"\x02\x21\x4c\x18", "lz4"}, {"\x5d\x00\x00", "lzma"}, {"7z\xbc\xaf\x27\x1c", "7z"},
	{"LZIP\x01", "lzip"}, {"\x89LZO\x00\r\n\x1a", "lzop"}, {"\x1f\x9d", "compress"}, {"\xff\x06\x00\x00sNaP", "snappy"},
	{"Rar!\x1a\x07", "rar"}, {"x\x01", "zlib"}, {"x\x9c", "zlib"}, {"x\xda", "zlib"},
}

// maxMagic is the length of the longest magic.
const maxMagic = len("BZh?1AY&SY")

// compression returns the format of a text that begins with head, or an empty text.
func compression(head []byte) (format string) {
	for _, c := range compressed {
		before, behind, _ := strings.Cut(c.magic, "?")
		if len(head) >= len(c.magic) && string(head[:len(before)]) == before && string(head[len(c.magic)-len(behind):len(c.magic)]) == behind {
			return c.format
		}
	}
	return ""
}
