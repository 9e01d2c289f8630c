package cli

import (
	"fmt"
	"time"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// stepText returns a step in words. A step without a kid concerns a key that will be made.
func stepText(s keyring.Step) string {
	key := fmt.Sprintf("new %s key", s.Use)
	if s.KeyID != "" {
		key = fmt.Sprintf("%s key %s", s.Use, console.Word(s.KeyID))
	}
	switch s.Action {
	case keyring.Stage:
		if s.KeyID == "" {
			return "stage a " + key
		}
		return "stage the new " + key
	case keyring.Activate:
		text := "activate the " + key
		if s.Retires != "" {
			text += ", retire " + console.Word(s.Retires)
		}
		return text
	case keyring.MarkDue:
		return "record that the wait of the " + key + " is over"
	case keyring.ClearDue:
		return "clear the mark on the " + key + ", set by a clock that is ahead"
	case keyring.Destroy:
		return "destroy the " + key
	}
	return string(s.Action)
}

// notBeforeText returns a time to come, rounded up to the second: at the printed time the moment
// has come.
func notBeforeText(t time.Time) string {
	return t.UTC().Add(time.Second - 1).Truncate(time.Second).Format(time.RFC3339)
}
