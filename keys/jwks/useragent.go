package jwks

import (
	"regexp"
	"runtime/debug"
	"sync"
)

// userAgent names who asks: sealjwt and the version of this module. Firewalls refuse the name
// of the HTTP library.
var userAgent = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	return userAgentOf(info)
})

// userAgentOf returns the User-Agent of a program. A version that is not one, such as (devel),
// is left out.
func userAgentOf(info *debug.BuildInfo) string {
	const module = "github.com/sealjwt/sealjwt"
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == module && versionText.MatchString(m.Version) {
			return "sealjwt/" + m.Version
		}
	}
	return "sealjwt"
}

var versionText = regexp.MustCompile(`^v[0-9][0-9A-Za-z.+-]*$`)
