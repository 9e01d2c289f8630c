package jwks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// A Remote prints the URL without its query, because the query may hold a secret of the caller.
func TestRemotePrinted(t *testing.T) {
	r := must(NewRemote(RemoteConfig{URL: siteURL + "?key=canary"}))(t)
	holder := struct{ Keys *Remote }{r}
	var text, inJSON bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("", "keys", r)
	slog.New(slog.NewJSONHandler(&inJSON, nil)).Info("", "keys", r, "in", holder)
	shown := []string{text.String(), inJSON.String(), string(must(json.Marshal(r))(t)), string(must(json.Marshal(holder))(t)), fmt.Sprint(r)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, r), fmt.Sprintf(verb, holder))
	}
	for _, s := range shown {
		if strings.Contains(s, "canary") || !strings.Contains(s, siteURL) {
			t.Errorf("it shows %s", s)
		}
	}
	var none *Remote
	if got := fmt.Sprintf("%v %s", none, holder.Keys); !strings.Contains(got, "<nil>") {
		t.Errorf("none: %s", got)
	}
}
