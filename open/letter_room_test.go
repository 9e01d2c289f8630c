package open

import (
	"fmt"
	"strings"
	"testing"
)

// A nil list gets room for all its elements at once. A list that already has elements, or that
// encoding/json does not reach, is left to encoding/json.
func TestListsGetRoom(t *testing.T) {
	t.Parallel()
	names := `"` + strings.Repeat(`a","`, 99) + `]"`
	type lists struct {
		A, B, C, D, E []string
		N             []int
		Fixed         [2]int
		Inner         struct{ L []string }
		Last          int
	}
	for _, tt := range []struct {
		text  string
		begin lists
		want  string // lengths of A, B, E, N and Inner.L; + marks much more room
		fails bool
	}{
		{text: `{"A":[` + names + `]}`, want: "100 nil nil nil nil"},
		{text: `{"A":[],"B":[[]],"N":[1,2,3]}`, want: "0 1 nil 3 nil", fails: true},
		{text: `{"A":["x"],"B":["x"],"C":["x"],"D":["x"],"E":["1","2","3","4","5","6","7","8","9"]}`, want: "1 1 9+ nil nil"},
		{text: `{"Inner":{"L":["x","y","z"]},"Fixed":[1,2,3]}`, want: "nil nil nil nil 3"},
		{text: `{"A":["x","y"]}`, begin: lists{A: make([]string, 1, 7)}, want: "2+ nil nil nil nil"},
		{text: `{"A":null,"N":[1]}`, want: "nil nil nil 1 nil"},
	} {
		got := tt.begin
		if err := tokenOf(tt.text).Claims(&got); (err != nil) != tt.fails {
			t.Errorf("%.40s: %v", tt.text, err)
		}
		if s := strings.Join([]string{room(got.A), room(got.B), room(got.E), room(got.N), room(got.Inner.L)}, " "); s != tt.want {
			t.Errorf("%.40s: %s, want %s", tt.text, s, tt.want)
		}
	}
}

func room[E any](list []E) string {
	switch {
	case list == nil:
		return "nil"
	case 8*cap(list) > 9*len(list)+8: // the allocator rounds up by an eighth at most
		return fmt.Sprintf("%d+", len(list))
	}
	return fmt.Sprint(len(list))
}
