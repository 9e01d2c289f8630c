package sessions

import (
	"errors"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sealjwt/sealjwt/keys/strict"
)

// maxText is the greatest length in bytes of an issuer, of a subject, and of the parts of a device.
const maxText = 256

// Session is a session of a user: one device that has logged in. It prints as [redacted], and its
// JSON is "[redacted]" too: build the JSON of an answer from its fields. Where fmt calls no
// methods, which is in an unexported field and for %p, fmt prints it in full.
type Session struct {
	ID       string // the claim sid: 128 random bits in base64url
	Subject  string
	Device   Device
	Started  time.Time // the login
	Seen     time.Time // the last refresh
	Expires  time.Time // when the session ends, unless a refresh comes before
	NotAfter time.Time // set by Start and Refresh: no access token of the session may expire later

	// Repeated says that Refresh repeated an answer from the last 10 s. The client may be a second
	// tab, a client that lost the first answer, or a thief. Log such a refresh.
	Repeated bool
}

// Device describes a device to its user. Start shortens each part. It prints as a [Session] does.
type Device struct {
	Name  string // as the user calls it; at most 256 bytes
	Agent string // the User-Agent of the request; at most 256 bytes

	// Addr is the IP address of the request, with or without a port. The registry keeps the
	// first 24 bits (IPv4) or 48 bits (IPv6), such as 192.0.2.0/24, unless KeepAddress is
	// set. Start drops any other text.
	Addr string
}

// The errors of a Registry, for errors.Is. Besides them a Registry returns [ErrNoSession],
// [ErrConfig], [ErrUnknownOutcome] and the errors of the store and of the KEK.
var (
	// ErrInvalidRefresh says that a text is not a refresh token of this registry.
	ErrInvalidRefresh = errors.New("sessions: not a refresh token of this registry")

	// ErrEnded says that the session of a token is over, or that the token was revoked.
	ErrEnded = errors.New("sessions: the session has ended")

	// ErrReused says that an old refresh token came back, so that a thief may have a copy. Refresh
	// ends the session. RFC 9700 section 4.14.2.
	ErrReused = errors.New("sessions: an old refresh token was used again, and the session is ended")

	// ErrRolledBack says that the store has forgotten writes that it had acknowledged, after a
	// failover or a restore: ended sessions may be back. See [Registry.Accept].
	ErrRolledBack = errors.New("sessions: the store went back in time: accept that, or end all sessions")

	// ErrDamaged says that the store returned data that the registry has not stored so: a row
	// was swapped or changed, or the keys are of another issuer.
	ErrDamaged = errors.New("sessions: the store holds what this registry did not write")

	// ErrSubject says that a subject is empty, is not UTF-8 or has more than 256 bytes.
	ErrSubject = errors.New("sessions: a subject is 1 to 256 bytes of UTF-8")

	// ErrTooSoon is the error of RotateKey while sessions under the previous key may still live.
	ErrTooSoon = errors.New("sessions: it is too soon for another key")
)

func checkSubject(subject string) error {
	if subject == "" || len(subject) > maxText || !utf8.ValidString(subject) {
		return ErrSubject
	}
	return nil
}

// trimmed returns the device as the registry keeps it.
func (d Device) trimmed(keepAddress bool) Device {
	return Device{cut(d.Name), cut(d.Agent), network(d.Addr, keepAddress)}
}

// cut replaces bytes that are not UTF-8, and shortens the text to maxText bytes without cutting a
// character in half.
func cut(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// network returns the part of an IP address that is kept, empty for a text that is not an address.
func network(addr string, whole bool) string {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		p, err := netip.ParseAddrPort(addr)
		if err != nil {
			return ""
		}
		a = p.Addr()
	}
	a = a.Unmap().WithZone("")
	if whole {
		return a.String()
	}
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// String returns the claim sid.
func (id ID) String() string { return strict.EncodeBase64URL(id[:]) }

// parseID reads a claim sid. It returns [ErrNoSession] for any other text, since no session
// has that.
func parseID(text string) (ID, error) {
	b, err := strict.DecodeBase64URL(text)
	if err != nil || len(b) != len(ID{}) {
		return ID{}, ErrNoSession
	}
	return ID(b), nil
}
