package stores

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

// No table, no key document and no file of SQLite holds a subject, a device, a refresh token or the
// KEK. No frame of the feed holds one of these, or the id of a session.
func TestNoPersonalData(t *testing.T) {
	onEach(t, func(t *testing.T, e engine, place func(testing.TB) string) {
		dsn := place(t)
		s, db := e.openDB(t, dsn)
		p := newParty()
		r, err := sessions.New(sessions.Config{Issuer: testIssuer, Store: s, KEK: p.kek, TokenLifetime: testLifetime, KeepAddress: true})
		if err != nil {
			t.Fatal(err)
		}
		h := p.hub(t, s)
		h.ready(t)
		said := record(t, h)
		secret := []string{string(p.key), "canary-subject", "canary-name", "canary-agent", "198.51.100.77"}
		var ids []string // the tables hold them, and the feed must not
		for range 3 {
			session, token, err := r.Start(t.Context(), "canary-subject", sessions.Device{Name: "canary-name", Agent: "canary-agent", Addr: "198.51.100.77"})
			if err != nil {
				t.Fatal(err)
			}
			_, next, err := r.Refresh(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			secret, ids = append(secret, token, token[56:], next, next[56:]), append(ids, session.ID)
			if _, err := r.EndOthers(t.Context(), "canary-subject", session.ID); err != nil {
				t.Fatal(err)
			}
		}
		var frames string
		eventually(t, "the feed does not say what has ended", 10*time.Second, func() bool {
			frames = said()
			a, b := entry(ids[0]), entry(ids[1])
			return holds(frames, string(a[:])) && holds(frames, string(b[:]))
		})
		tables := dumpTables(t, e, db)
		if e.driver == "sqlite" { // with the free pages and the log
			path, _, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
			files, _ := filepath.Glob(path + "*")
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				tables += string(text)
			}
		}
		if !holds(tables, rawID(t, ids[2])) { // its session is alive
			t.Fatal("the search does not find what is there")
		}
		for _, needle := range secret {
			if holds(tables, needle) {
				t.Errorf("the tables hold %q", needle)
			}
		}
		for _, needle := range append(append(secret, ids...), rawID(t, ids[0]), rawID(t, ids[1]), rawID(t, ids[2])) {
			if holds(frames, needle) {
				t.Errorf("a frame holds %q", needle)
			}
		}
	})
}

// rawID returns the bytes of a sid.
func rawID(t *testing.T, sid string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(sid)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// holds reports whether a text holds a needle: unchanged, in hexadecimal or in base64.
func holds(text, needle string) bool {
	spellings := []string{needle, hex.EncodeToString([]byte(needle)), strings.ToUpper(hex.EncodeToString([]byte(needle)))}
	for shift := range 3 { // the position of the needle in a group of three bytes
		for _, code := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			coded := code.EncodeToString([]byte(strings.Repeat("x", shift) + needle))
			spellings = append(spellings, coded[[]int{0, 2, 3}[shift]:len(coded)-1])
		}
	}
	for _, s := range spellings {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// dumpTables returns the contents of all tables of the store.
func dumpTables(t *testing.T, e engine, db *sql.DB) (dump string) {
	t.Helper()
	catalog := map[string]string{
		"sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table'",
		"pgx":    "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()",
		"mysql":  "SELECT table_name FROM information_schema.tables WHERE table_schema = database()",
	}
	names, rows := dumpQuery(t, db, catalog[e.driver])
	if rows < 4 {
		t.Fatalf("the store has %d tables: %q", rows, names)
	}
	for _, name := range strings.Fields(names) {
		if strings.HasPrefix(name, "sqlite_") {
			continue
		}
		text, rows := dumpQuery(t, db, "SELECT * FROM "+name)
		if rows == 0 {
			t.Fatalf("table %s is empty", name)
		}
		dump += text
	}
	return dump
}

// dumpQuery returns the raw answer to a query.
func dumpQuery(t *testing.T, db *sql.DB, query string) (text string, n int) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	for ; rows.Next(); n++ {
		row, into := make([][]byte, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, column := range row {
			text += string(column) + "\n"
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text, n
}

// record follows a feed. The returned function gives all decoded frames so far, of the stream and
// of the whole list.
func record(t *testing.T, h *hub) (said func() string) {
	t.Helper()
	var mu sync.Mutex
	var all strings.Builder
	take := func(frame string) {
		mu.Lock()
		defer mu.Unlock()
		all.WriteString(frame + "\n")
		for _, part := range strings.Split(frame, ".") {
			text, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil {
				t.Errorf("a frame cannot be read: %v", err)
			}
			all.WriteString(string(text) + "\n")
			var payload struct{ IDs map[string]string }
			json.Unmarshal(text, &payload)
			for _, ids := range payload.IDs {
				raw, _ := base64.RawURLEncoding.DecodeString(ids)
				all.WriteString(string(raw) + "\n")
			}
		}
	}
	stream := func(ctx context.Context) {
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, h.URL, nil)
		r.Header.Set("Accept", "text/event-stream")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		for in := bufio.NewReader(res.Body); ; {
			frame, err := event(in)
			if err != nil {
				return // the test ends
			}
			take(frame)
		}
	}
	background(t, stream)
	return func() string {
		res, err := http.Get(h.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, frame := range strings.Fields(string(text)) {
			take(frame)
		}
		mu.Lock()
		defer mu.Unlock()
		return all.String()
	}
}

func TestHolds(t *testing.T) {
	for before := range 3 {
		text := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("-", before) + "canary\xff\xfe-subject, and more"))
		if !holds(text, "canary\xff\xfe-subject") || holds(text, "canary\xff\xfd-subject") {
			t.Errorf("the search in base64 is wrong where %d bytes stand before", before)
		}
	}
	if !holds("00CA4E", "\xca\x4e") || !holds("00ca4e", "\xca\x4e") || holds("00ca4e", "\xca\x4f") {
		t.Error("the search in hexadecimal is wrong")
	}
}
