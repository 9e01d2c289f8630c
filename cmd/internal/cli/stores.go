package cli

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/keyring"
)

// OpenStore opens the store of a ring. The name follows the colon of the place, such as idp in
// postgres:idp, and the connection is the text in --store-file, empty without that flag. The
// identity tells the store from all others. It is a text with :// and without secrets, under
// which the memory of the rings knows the ring.
type OpenStore func(ctx context.Context, name, connection string) (store keyring.Store, identity string, err error)

// ringAt is a ring's place.
type ringAt struct {
	place    string // as it was typed
	identity string // the place, or the identity of a store
	store    keyring.Store

	storeFile string // --store-file for this place, in a copy
}

// maxConnection is the longest connection in bytes.
const maxConnection = 16 << 10

// inFleet are the kinds of places that only the command sealjwt-fleet opens. It has the drivers.
var inFleet = []string{"etcd", "mysql", "postgres", "sqlite"}

// ringAt returns the place of the ring of this run.
func (a *App) ringAt(ctx context.Context) (ringAt, error) {
	place, err := a.ringPath()
	if err != nil {
		return ringAt{}, err
	}
	return a.at(ctx, place)
}

// at returns a place with its store. A place without a colon, or with a text before the colon that
// cannot be the kind of a store, is a file. at refuses a kind of store that this command does not
// have.
func (a *App) at(ctx context.Context, place string) (ringAt, error) {
	scheme, name, colon := strings.Cut(place, ":")
	open, ok := a.openers[scheme]
	switch {
	case !ok && slices.Contains(inFleet, scheme) && colon:
		return ringAt{}, console.Usagef("%s is not a file, and %s opens files only: install sealjwt-fleet, or write ./%[1]s for a file", place, a.Name)
	case !ok && isScheme(scheme) && colon:
		return ringAt{}, console.Usagef("there is no store called %s (sealjwt-fleet has %s): write ./%s for a file",
			scheme, strings.Join(inFleet, ", "), place)
	case !ok && a.storeFile != "":
		return ringAt{}, console.Usagef("--store-file is for a ring in a store (%s), and %s is a file: leave one of them out",
			strings.Join(slices.Sorted(maps.Keys(a.openers)), ", "), place)
	case !ok:
		return ringAt{place: place, identity: place, store: filestore.New(place)}, nil
	case name == "":
		return ringAt{}, console.Usagef("%s names no ring: write %s:NAME", place, scheme)
	}
	key := place + "\x00" + a.storeFile
	if at, ok := a.stores[key]; ok {
		return at, nil
	}
	connection, err := a.readConnection()
	if err != nil {
		return ringAt{}, err
	}
	store, identity, err := open(ctx, name, connection)
	if err != nil {
		return ringAt{}, err
	}
	if a.stores == nil {
		a.stores = make(map[string]ringAt)
	}
	a.stores[key] = ringAt{place: place, identity: identity, store: store}
	return a.stores[key], nil
}

// isScheme reports whether a text before a colon looks like the kind of a store, such as vault in
// vault:idp. A drive of Windows has one letter, and a path usually has a slash or a dot before a
// colon.
func isScheme(s string) bool {
	return len(s) > 1 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-") == ""
}

// readConnection reads --store-file or SEALJWT_STORE_FILE. It refuses a file that other users can
// read, because a connection holds a password. It returns "" if no file is named.
func (a *App) readConnection() (string, error) {
	path := a.storeFile
	if path == "" {
		path = os.Getenv("SEALJWT_STORE_FILE")
	}
	if path == "" {
		return "", nil
	}
	in, err := console.ReadSecret(path, maxConnection)
	if err != nil {
		return "", err
	}
	text, err := console.PlainText(path, in.Data)
	return string(text), err
}

// Store returns the store at a place that --ring accepts.
func (a *App) Store(ctx context.Context, place string) (keyring.Store, error) {
	at, err := a.at(ctx, place)
	return at.store, err
}

// Ring opens the ring that the flags name, as every verb does.
func (a *App) Ring(ctx context.Context) (*keyring.Ring, error) { return a.openRing(ctx) }

// Connection returns the connection in the store file of this run, "" without a store file.
func (a *App) Connection() (string, error) { return a.readConnection() }

// KEK reads the key encryption key for doc, a document in the format of a ring. what names the document in
// questions and errors, such as "registry".
func (a *App) KEK(ctx context.Context, doc []byte, what string) (keyring.KEK, error) {
	return a.readKEK(ctx, doc, what)
}
