package stores

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/testdata/ringtest"
	"github.com/sealjwt/sealjwt/testdata/stores/servers"
)

// placeOf describes a ring to another process: the number of its engine, its name and the data
// source.
func placeOf(e engine, name, dsn string) string {
	return strings.Join([]string{e.name, name, dsn}, "|")
}

// openPlace opens the store that placeOf has described.
func openPlace(place string) (keyring.Store, error) {
	part := strings.SplitN(place, "|", 3)
	e := engineOf(part[0])
	db, err := sql.Open(e.driver, part[2])
	if err != nil {
		return nil, err
	}
	return newRingStore(context.Background(), db, e.dialect, part[1])
}

func engineOf(name string) (e engine) {
	for _, e = range engines {
		if e.name == name {
			break
		}
	}
	return e
}

// Many processes rotate one ring under load while they are killed.
func TestRingProcesses(t *testing.T) {
	beside(t)
	e, server := engineOf("PostgreSQL"), servers.PostgreSQL(t)
	dsn := server.PostgreSQLSchema(t)
	history := keepHistory(t, e, dsn)
	ringtest.NewFleet(t, openPlace).Rotate(ringtest.Rotations{
		Place: placeOf(e, "idp", dsn), Processes: rounds(10, 4), Rotations: rounds(50, 2), History: history,
	})
}

// keepHistory makes PostgreSQL keep every document that is written.
func keepHistory(t *testing.T, e engine, dsn string) func() ringtest.History {
	t.Helper()
	e.ring(t, dsn, "idp")
	db := servers.Open(t, e.driver, dsn)
	for _, statement := range []string{
		"CREATE TABLE history (id BIGSERIAL PRIMARY KEY, doc BYTEA NOT NULL)",
		"CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO history (doc) VALUES (NEW.doc); RETURN NULL; END $$",
		"CREATE TRIGGER keep AFTER INSERT OR UPDATE ON sealjwt_ring FOR EACH ROW EXECUTE FUNCTION keep()",
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() (all ringtest.History) {
		rows, err := db.Query("SELECT doc FROM history ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var doc []byte
			if err := rows.Scan(&doc); err != nil {
				t.Fatal(err)
			}
			all = append(all, doc)
		}
		return all
	}
}

// A process revokes a key, and nine others refuse it.
func TestRingRevoked(t *testing.T) {
	beside(t)
	e, server := engineOf("PostgreSQL"), servers.PostgreSQL(t)
	late := ringtest.NewFleet(t, openPlace).Revoke(placeOf(e, "idp", server.PostgreSQLSchema(t)), rounds(10, 4), rounds(20, 2))
	t.Logf("a revoked key is refused by the others after %v; p99 %s", late, judged(late.At(0.99), 2*time.Second))
}
