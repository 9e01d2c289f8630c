package jwks

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// parseURL reads a URL from which keys, or where they are, may be fetched: https, or
// http on this machine.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, fmt.Errorf("%w: it needs the form https://host/path", ErrURL) // the parser's error quotes it whole
	case u.User != nil:
		return nil, fmt.Errorf("%w: it must not hold a user or a password, which would be sent along and end up in logs", ErrURL)
	case u.Fragment != "":
		return nil, fmt.Errorf("%w: it must not have a fragment", ErrURL)
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u)):
		return nil, fmt.Errorf("%w: %s must be https, or anybody on the way chooses the keys; http is for localhost only", ErrURL, where(u))
	}
	return u, nil
}

// isLoopback reports whether a URL names this machine. It asks no DNS, whose answer may
// be another when it counts; where localhost leads is looked at when it is dialled.
func isLoopback(u *url.URL) bool {
	host := u.Hostname()
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// where is a URL for messages: without its query, which may be a secret.
func where(u *url.URL) string {
	return printable((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// printable makes a text from outside short and harmless for a terminal or a log.
func printable(s string) string {
	const most = 200
	if len(s) > most {
		s = s[:most] + "…"
	}
	quoted := strconv.QuoteToGraphic(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
