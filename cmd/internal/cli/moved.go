package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/ringmove"
)

// load returns the document of a ring. It returns the error of [ringmove.Check] for a place that
// has no ring because of a move.
func load(ctx context.Context, store keyring.Store) ([]byte, error) {
	doc, _, err := store.Load(ctx)
	if err != nil {
		return nil, err
	}
	if err := ringmove.Check(doc); err != nil {
		return nil, err
	}
	return doc, nil
}

// named returns the place with the name that stands in the documents of a move. For a file it is
// the absolute path, because the next verb may run in another folder.
func (at ringAt) named() ringmove.Place {
	place, isFile := ringmove.Place{Name: at.place, Where: at.identity, Store: at.store}, at.identity == at.place
	if isFile {
		if path, err := filepath.Abs(at.place); err == nil {
			place.Name, place.Where = path, path
		}
	}
	if !isFile && !isLocal(at.identity) {
		return place
	}
	// Another machine may have a place with the same path.
	host, err := os.Hostname()
	if err != nil || host == "" {
		place.Where = ""
		return place
	}
	place.Where += " on " + host
	return place
}

// isLocal reports whether the identity of a store names a file or a server of this machine.
func isLocal(identity string) bool {
	_, rest, _ := strings.Cut(identity, "://")
	servers, _, _ := strings.Cut(rest, "/")
	for server := range strings.SplitSeq(servers, ",") {
		if host, _, err := net.SplitHostPort(server); err == nil {
			server = host
		}
		ip := net.ParseIP(server)
		if server == "" || server == "localhost" || strings.HasPrefix(server, "@") || ip != nil && ip.IsLoopback() {
			return true
		}
	}
	return false
}

// explainMoved adds a remedy to an error of package ringmove: to name the place to which the ring
// was moved, or to end a move to this place that was interrupted. The store file belongs to this
// place.
func (a *App) explainMoved(place, storeFile string, err error) error {
	moved, ok := errors.AsType[*ringmove.Error](err)
	if !ok {
		return err
	}
	advice := "name that place with --ring"
	switch {
	case moved.From != "":
		advice = a.endMove(moved, place, storeFile)
	case a.inStore(moved.To):
		advice += ", and its connection with --store-file"
	}
	return &console.Failure{Err: fmt.Errorf("%s: %w", place, err), Code: console.ExitKey, Advice: advice}
}

// endMove returns the advice to end the move of a ring to this place. The store file of the other
// place is not known: the two may be in two databases.
func (a *App) endMove(moved *ringmove.Error, place, storeFile string) string {
	advice, verb := "to end it", "keys copy --from "+shellWord(moved.From)
	if a.inStore(moved.From) {
		advice += ", with the connection to " + moved.Place() + " in a FILE of its own"
		verb += " --from-store-file FILE"
	}
	verb += " --to " + shellWord(place)
	if storeFile != "" {
		verb += " --to-store-file " + shellWord(storeFile)
	}
	return advice + ": " + a.again(verb)
}

// inStore reports whether a place names a store of this command, and not a file.
func (a *App) inStore(place string) bool {
	scheme, _, found := strings.Cut(place, ":")
	return found && a.openers[scheme] != nil
}
