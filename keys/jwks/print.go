package jwks

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Format prints the URL without its query, which may be a secret, whatever the verb.
func (r *Remote) Format(f fmt.State, _ rune) { io.WriteString(f, r.where) }

// LogValue is the URL without its query.
func (r *Remote) LogValue() slog.Value { return slog.StringValue(r.where) }

// MarshalJSON gives the URL without its query.
func (r *Remote) MarshalJSON() ([]byte, error) { return json.Marshal(r.where) }
