package sqlstore

import (
	"fmt"
	"strings"
)

// nameType returns the type of a text column that is compared byte by byte. In MySQL it is not
// VARCHAR, since comparisons of VARCHAR ignore spaces at the end with most collations.
func nameType(d Dialect) string {
	switch d {
	case PostgreSQL:
		return `TEXT COLLATE "C"`
	case MySQL:
		return fmt.Sprintf("VARBINARY(%d)", maxName)
	}
	return "TEXT COLLATE BINARY"
}

// schema returns the statements that make the table.
func schema(d Dialect) []string {
	t := d.Types()
	list := []string{fmt.Sprintf(`CREATE TABLE IF NOT EXISTS sealjwt_ring (
		name %s NOT NULL PRIMARY KEY,
		version %s NOT NULL,
		doc %s NOT NULL
	)%s`, nameType(d), t.Text, t.Large, t.Table)}
	if d == MySQL { // the row that Store.flush writes
		list = append(list, "INSERT IGNORE INTO sealjwt_ring (name, version, doc) VALUES ('', '', '')")
	}
	return list
}

// statements are the statements of a Store in its dialect.
type statements struct {
	count, load, create, replace string
	version, lock                string // both return the version; lock also locks the row
	flush                        string // empty where readers see only commits that are on the disk
}

func newStatements(d Dialect) statements {
	s := statements{
		count: "SELECT COUNT(*) FROM sealjwt_ring WHERE name = ?",
		// load returns a row from an empty table too, since it also tells whether the connection may
		// read old data. It reads at most one byte more than a ring may have.
		load:    "SELECT {stale}, r.version, SUBSTR(r.doc, 1, {size}) FROM (SELECT 1 AS one) o LEFT JOIN sealjwt_ring r ON r.name = ?",
		create:  "INSERT INTO sealjwt_ring (version, doc, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		replace: "UPDATE sealjwt_ring SET version = ?, doc = ? WHERE name = ? AND version = ?",
		version: "SELECT version FROM sealjwt_ring WHERE name = ?",
		lock:    "SELECT version FROM sealjwt_ring WHERE name = ?" + d.Locking(),
	}
	switch d {
	case MySQL:
		s.create = "INSERT IGNORE INTO sealjwt_ring (version, doc, name) VALUES (?, ?, ?)"
		// flush writes the row with the empty name, which no ring can have.
		s.flush = "INSERT INTO sealjwt_ring (name, version, doc) VALUES ('', ?, '') ON DUPLICATE KEY UPDATE version = ?"
	case SQLite:
		// In SQLite SELECT takes no lock for writing, so lock writes the row as it is.
		s.lock = "UPDATE sealjwt_ring SET version = version WHERE name = ? RETURNING version"
	}
	s.load = strings.NewReplacer("{stale}", d.Stale(), "{size}", fmt.Sprint(maxSize+1)).Replace(s.load)
	for _, p := range []*string{&s.count, &s.load, &s.create, &s.replace, &s.version, &s.lock} {
		*p = d.Bind(*p)
	}
	return s
}
