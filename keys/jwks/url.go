package jwks

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// parseURL reads a URL of keys or of an issuer's metadata that may be fetched: https, or
// http on this machine.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		// Not err, which quotes the whole URL, and so a secret in the URL.
		return nil, fmt.Errorf("%w: it needs the form https://host/path", ErrURL)
	case u.User != nil:
		return nil, fmt.Errorf("%w: it must not hold a user or a password, which would be sent along and end up in logs", ErrURL)
	case u.Fragment != "":
		return nil, fmt.Errorf("%w: it must not have a fragment", ErrURL)
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u)):
		return nil, fmt.Errorf("%w: %s must be https, or an attacker on the way chooses the keys; http is for localhost only", ErrURL, where(u))
	}
	return u, nil
}

// isLoopback reports whether a URL names this machine, so that http is allowed. It does not ask
// DNS, whose answer may have changed by the time the client connects; loopbackOnly checks the
// address of the connection.
func isLoopback(u *url.URL) bool {
	host := u.Hostname()
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// isHere reports whether a URL leads to this machine, by its host alone and without DNS. It
// covers more hosts than isLoopback, because it decides which URLs to refuse, and isLoopback
// decides which to allow.
func isHere(u *url.URL) bool {
	host := strings.ToLower(strings.TrimRight(u.Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	ip = ip.Unmap().WithZone("")
	return err == nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// isDisguised reports whether a host may become another one, such as this machine, when the
// client connects: net/http turns full-width letters and digits into plain ones, and resolvers
// take 127.1, 2130706433 and 0x7f.1 for addresses. isDisguised takes a host for an address in such
// a form if its last label is a number or begins with 0x: no name of the DNS ends so.
func isDisguised(u *url.URL) bool {
	host := strings.ToLower(strings.TrimRight(u.Hostname(), "."))
	if strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
}

// where returns a URL for messages, without its query, which may be a secret.
func where(u *url.URL) string {
	return printable((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// printable makes a text from a server or a configuration short and harmless for a terminal
// or a log.
func printable(s string) string {
	const maxLength = 200
	if len(s) > maxLength {
		s = s[:maxLength] + "…"
	}
	quoted := strconv.QuoteToGraphic(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
