package open

import (
	"reflect"
	"testing"
)

// otherDecoder hides the UnmarshalJSON of an ownDecoder that is embedded beside it.
type otherDecoder struct{ ownDecoder }

func (*otherDecoder) UnmarshalJSON([]byte) error { return nil }

// A type with its own decoder gets the text of the issuer. The fields of any other type are filled
// by their exact names.
func TestClaimsOfDecoders(t *testing.T) {
	t.Parallel()
	const text = `{"Admin":"b","ADMIN":"a"}`
	decoded := func(got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%T is %+v, want %+v", got, got, want)
		}
	}
	root, err := ClaimsOf[ownDecoder](tokenOf(text))
	decoded(root.Admin, text)
	decoded(err, nil)

	type decoders struct {
		Value    ownDecoder            `json:"value"`
		Pointer  *ownDecoder           `json:"pointer"`
		Map      map[string]ownDecoder `json:"map"`
		Unnamed  struct{ ownDecoder }  `json:"unnamed"` // encoding/json asks only named types
		Pointed  *struct{ ownDecoder } `json:"pointed"` // and pointers
		Embedded struct {              // it also has exported ones
			ownDecoder   `json:"own"`
			otherDecoder `json:"other"`
		} `json:"embedded"`
	}
	all, err := ClaimsOf[decoders](tokenOf(`{"value":` + text + `,"pointer":` + text + `,"map":{"Map":` + text + `},"unnamed":` + text +
		`,"pointed":` + text + `,"embedded":{"own":` + text + `}}`))
	decoded(err, nil)
	decoded(all.Value.Admin, text)
	decoded(all.Pointer.Admin, text)
	decoded(all.Map["Map"].Admin, text)
	decoded(all.Unnamed.Admin, "b")
	decoded(all.Pointed.Admin, text)
	decoded(all.Embedded.ownDecoder.Admin, "b")

	held := struct {
		*ownDecoder  `json:"own"`
		otherDecoder `json:"other"`
	}{ownDecoder: new(ownDecoder)}
	decoded(tokenOf(`{"own":`+text+`}`).Claims(&held), nil)
	decoded(held.ownDecoder.Admin, "b")
}
