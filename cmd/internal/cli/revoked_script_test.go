package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open/sessions"
)

// cmdFeed starts a server with feeds, and writes the keys of their issuer to a file: feed VARIABLE
// FILE. At /revoked sessions end all the time. The list at /old was read an hour ago. Another key
// signs at /evil. At /html there is a page.
func cmdFeed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: feed variable file")
	}
	const issuer = "https://id.example.com"
	set, evil := keytest.NewSet(keytest.NewKey(keys.ES256)), keytest.NewSet(keytest.NewKey(keys.ES256))
	public, err := set.PublicKeys(context.Background(), "")
	ts.Check(err)
	text, err := json.Marshal(public)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o600))

	kek, err := keyring.NewKEK(make([]byte, 32))
	ts.Check(err)
	registry, err := sessions.New(sessions.Config{
		Issuer: issuer, Store: &endingStore{Store: sessions.NewMemStore()}, KEK: kek, TokenLifetime: 15 * time.Minute,
	})
	ts.Check(err)
	live, err := sessions.NewFeed(sessions.FeedConfig{Registry: registry, Signing: set, Public: true})
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { live.Run(ctx, nil) })
	mux := http.NewServeMux()
	mux.Handle("/revoked", live)
	old := func(path string, set *keys.Set) {
		frame := oldFrame(ts, issuer, set)
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.sealjwt.revoked")
			fmt.Fprintln(w, frame)
		})
	}
	old("/old", set)
	old("/evil", evil)
	mux.HandleFunc("/html", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<title>please log in</title>") })
	s := httptest.NewServer(mux)
	ts.Defer(func() { cancel(); running.Wait(); s.CloseClientConnections(); s.Close() })
	ts.Setenv(args[0], s.URL)
}

// oldFrame returns an empty list that was read an hour ago.
func oldFrame(ts *testscript.TestScript, issuer string, set *keys.Set) string {
	k, err := set.SigningKey()
	ts.Check(err)
	header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"revoked+jwt"}`, k.ID())
	payload := fmt.Sprintf(`{"iss":%q,"iat":%d,"ms":0,"from":"","to":"","n":0,"x":%q,"T":900,"L":60,"ids":{}}`,
		issuer, time.Now().Add(-time.Hour).Unix(), strings.Repeat("A", 43))
	input := strict.EncodeBase64URL([]byte(header)) + "." + strict.EncodeBase64URL([]byte(payload))
	signature, err := k.Sign(context.Background(), []byte(input))
	ts.Check(err)
	return input + "." + strict.EncodeBase64URL(signature)
}

// endingStore is a store in which a session has ended whenever it is read.
type endingStore struct {
	sessions.Store
	rows []sessions.Revocation
}

func (s *endingStore) Tail(_ context.Context, after sessions.Cursor, _ int) (sessions.Tail, error) {
	n := uint64(len(s.rows)) + 1
	entry := sessions.Entry{byte(n), byte(n >> 8), 1}
	s.rows = append(s.rows, sessions.Revocation{Ended: sessions.Ended{Entry: entry, Until: time.Now().Add(20 * time.Minute).Truncate(time.Second)}, Revision: n})
	return sessions.Tail{Revocations: s.rows[after.Revision:], Last: sessions.Cursor{Revision: n, Entry: entry}}, nil
}
