package sessions

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// redacted makes the type that embeds it print as [redacted].
type redacted struct{}

const redactedText = "[redacted]"

func (redacted) Format(f fmt.State, _ rune) {
	if f != nil {
		io.WriteString(f, redactedText)
	}
}
func (redacted) LogValue() slog.Value         { return slog.StringValue(redactedText) }
func (redacted) MarshalJSON() ([]byte, error) { return json.Marshal(redactedText) }

// Format prints [redacted], whatever the verb, because a Session tells who has which devices.
func (Session) Format(f fmt.State, verb rune) { redacted{}.Format(f, verb) }

// LogValue returns [redacted].
func (Session) LogValue() slog.Value { return redacted{}.LogValue() }

// MarshalJSON returns "[redacted]": a log in JSON also writes the fields of the struct that
// holds a Session.
func (Session) MarshalJSON() ([]byte, error) { return redacted{}.MarshalJSON() }

// Format prints [redacted], whatever the verb.
func (Device) Format(f fmt.State, verb rune) { redacted{}.Format(f, verb) }

// LogValue returns [redacted].
func (Device) LogValue() slog.Value { return redacted{}.LogValue() }

// MarshalJSON returns "[redacted]".
func (Device) MarshalJSON() ([]byte, error) { return redacted{}.MarshalJSON() }
