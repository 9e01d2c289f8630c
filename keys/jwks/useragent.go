package jwks

import (
	"regexp"
	"runtime/debug"
	"sync"
)

// userAgent names who asks: sealjwt and the version of this module. Some firewalls refuse the
// default User-Agent of Go's HTTP client.
var userAgent = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	return userAgentOf(info)
})

// userAgentOf returns the User-Agent of a program. It leaves out a version that is not a
// release, such as (devel).
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
