package sqlstore

import (
	"strings"

	"github.com/sealjwt/sealjwt/keys/sqldb"
)

// schema returns the statements that make the tables. The statement for the row of the counter
// comes last, so if that row exists, all tables exist.
func schema(d Dialect) []string {
	t := d.Types()
	list := []string{
		`CREATE TABLE IF NOT EXISTS sealjwt_registry (
			id INTEGER NOT NULL PRIMARY KEY,
			version {text} NOT NULL,
			doc {large} NOT NULL
		){table}`,
		`CREATE TABLE IF NOT EXISTS sealjwt_session (
			sid {16} NOT NULL PRIMARY KEY,
			usr {32} NOT NULL,
			entry {16} NOT NULL,
			version BIGINT NOT NULL,
			key_id {text} NOT NULL,
			sealed {bytes} NOT NULL,
			started BIGINT NOT NULL,
			seen BIGINT NOT NULL,
			expires BIGINT NOT NULL,
			generation BIGINT NOT NULL,
			turned BIGINT NOT NULL{indexes}
		){table}`,
		`CREATE TABLE IF NOT EXISTS sealjwt_revoked (
			revision BIGINT NOT NULL PRIMARY KEY,
			entry {16} NOT NULL UNIQUE,
			until BIGINT NOT NULL
		){table}`,
		`CREATE TABLE IF NOT EXISTS sealjwt_revision (
			id INTEGER NOT NULL PRIMARY KEY,
			revision BIGINT NOT NULL
		){table}`,
	}
	indexes := ""
	counter := `INSERT INTO sealjwt_revision (id, revision) VALUES (1, 0) ON CONFLICT DO NOTHING`
	if d == MySQL { // has no CREATE INDEX IF NOT EXISTS
		indexes = ", INDEX sealjwt_session_usr (usr, started), INDEX sealjwt_session_expires (expires)"
		list = append(list, `INSERT IGNORE INTO sealjwt_revision (id, revision) VALUES (2, 0)`) // for flush
		counter = `INSERT IGNORE INTO sealjwt_revision (id, revision) VALUES (1, 0)`
	} else {
		list = append(list,
			`CREATE INDEX IF NOT EXISTS sealjwt_session_usr ON sealjwt_session (usr, started)`,
			`CREATE INDEX IF NOT EXISTS sealjwt_session_expires ON sealjwt_session (expires)`)
	}
	fill := strings.NewReplacer("{text}", t.Text, "{large}", t.Large, "{bytes}", t.Bytes, "{16}", t.Fixed(16), "{32}", t.Fixed(32),
		"{table}", t.Table, "{indexes}", indexes)
	for i := range list {
		list[i] = fill.Replace(list[i])
		if d == SQLite { // a STRICT table has no BIGINT
			list[i] = strings.ReplaceAll(list[i], "BIGINT", "INTEGER")
		}
	}
	return append(list, counter)
}

// statements are the statements of a Store in its dialect.
type statements struct {
	loadKeys, swapKeys, createKeys         string
	get, list, insert, update, exists, end string
	durably                                string // a condition behind update
	lock, setRevision, flush               string
	kept, unkeep, keep, tail               string
	sweepSessions, sweepRevoked            string
}

const columns = "sid, usr, entry, version, key_id, sealed, started, seen, expires, generation, turned"

func newStatements(d Dialect) statements {
	s := statements{
		loadKeys:   "SELECT doc, version FROM sealjwt_registry WHERE id = 1",
		swapKeys:   "UPDATE sealjwt_registry SET doc = ?, version = ? WHERE id = 1 AND version = ?",
		createKeys: "INSERT INTO sealjwt_registry (id, version, doc) VALUES (1, ?, ?) ON CONFLICT DO NOTHING",

		get:    "SELECT " + columns + " FROM sealjwt_session WHERE sid = ?",
		list:   "SELECT " + columns + " FROM sealjwt_session WHERE usr = ? ORDER BY started, sid",
		insert: "INSERT INTO sealjwt_session (" + columns + ") VALUES (" + sqldb.Marks(11) + ")",
		update: "UPDATE sealjwt_session SET usr = ?, entry = ?, version = version + 1, key_id = ?, sealed = ?, started = ?, seen = ?, " +
			"expires = ?, generation = ?, turned = ? WHERE sid = ? AND version = ?",
		durably: " AND " + d.Durable(),
		exists:  "SELECT version FROM sealjwt_session WHERE sid = ?",
		end:     "DELETE FROM sealjwt_session WHERE sid = ?",

		lock:        "SELECT revision FROM sealjwt_revision WHERE id = 1" + d.Locking(),
		setRevision: "UPDATE sealjwt_revision SET revision = ? WHERE id = 1",

		kept:   "SELECT until FROM sealjwt_revoked WHERE entry = ?",
		unkeep: "DELETE FROM sealjwt_revoked WHERE entry = ?",
		keep:   "INSERT INTO sealjwt_revoked (revision, entry, until) VALUES (?, ?, ?)",
		tail:   "SELECT revision, entry, until FROM sealjwt_revoked WHERE revision >= ? ORDER BY revision LIMIT ?",

		sweepSessions: "DELETE FROM sealjwt_session WHERE expires < ?",
		sweepRevoked:  "DELETE FROM sealjwt_revoked WHERE until < ? AND revision <> ?",
	}
	switch d {
	case MySQL:
		s.flush = "UPDATE sealjwt_revision SET revision = revision + 1 WHERE id = 2"
		s.createKeys = "INSERT IGNORE INTO sealjwt_registry (id, version, doc) VALUES (1, ?, ?)"
	case SQLite:
		// An UPDATE locks the database file at once. If the transaction began with a read, its later
		// write would fail when another process has written in between.
		s.lock = "UPDATE sealjwt_revision SET revision = revision WHERE id = 1 RETURNING revision"
	}
	for _, p := range []*string{
		&s.swapKeys, &s.createKeys, &s.get, &s.list, &s.insert, &s.update, &s.exists, &s.end, &s.setRevision,
		&s.kept, &s.unkeep, &s.keep, &s.tail, &s.sweepSessions, &s.sweepRevoked,
	} {
		*p = d.Bind(*p)
	}
	return s
}
