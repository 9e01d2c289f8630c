package bearer_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
)

func TestNew(t *testing.T) {
	t.Parallel()
	o := newParties().opener()
	var forgotten *open.Opener
	any := http.NewCrossOriginProtection()
	for problem, cfg := range map[string]bearer.Config{
		"Opener is required: nil":     {},
		"Opener is required: nothing": {Opener: forgotten},
		"Opener is required: no func": {Opener: openerFunc(nil)},
		"Realm: a quote":              {Opener: o, Realm: `a"b`},
		"Realm: a backslash":          {Opener: o, Realm: `a\`},
		"Realm: a line feed":          {Opener: o, Realm: "a\nb"},
		"Realm: not ASCII":            {Opener: o, Realm: "é"},
		"Realm: delete":               {Opener: o, Realm: "a\x7f"},
		"Cookie: a space":             {Opener: o, Cookie: "a b"},
		"Cookie: an equals sign":      {Opener: o, Cookie: "a="},
		"Cookie: a semicolon":         {Opener: o, Cookie: "a;b"},
		"Cookie: not ASCII":           {Opener: o, Cookie: "é"},
		"CrossOrigin: without Cookie": {Opener: o, CrossOrigin: any},

		"ResourceMetadata: http":        {Opener: o, ResourceMetadata: "http://api.example.com/metadata"},
		"ResourceMetadata: relative":    {Opener: o, ResourceMetadata: "/.well-known/oauth-protected-resource"},
		"ResourceMetadata: no host":     {Opener: o, ResourceMetadata: "https:///metadata"},
		"ResourceMetadata: a user":      {Opener: o, ResourceMetadata: "https://a@api.example.com/"},
		"ResourceMetadata: a fragment":  {Opener: o, ResourceMetadata: "https://api.example.com/#"},
		"ResourceMetadata: a quote":     {Opener: o, ResourceMetadata: `https://api.example.com/"`},
		"ResourceMetadata: a space":     {Opener: o, ResourceMetadata: "https://api.example.com/a b"},
		"ResourceMetadata: a line feed": {Opener: o, ResourceMetadata: "https://api.example.com/\n"},
	} {
		word, _, _ := strings.Cut(problem, ":")
		if auth, err := bearer.New(cfg); auth != nil || !errors.Is(err, bearer.ErrConfig) || !strings.HasPrefix(err.Error(), "bearer: invalid configuration: "+word) {
			t.Errorf("%s: %v", problem, err)
		}
	}
	for _, cfg := range []bearer.Config{{Opener: o}, {Opener: o, Realm: "our API, v2 (test)"}, {Opener: o, Cookie: "__Host-token"}, {Opener: o, Cookie: "a", CrossOrigin: any}} {
		if _, err := bearer.New(cfg); err != nil {
			t.Error(err)
		}
	}
}
