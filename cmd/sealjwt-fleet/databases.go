package main

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/sqldb"
)

// database is a database that a store file names.
type database struct {
	*sql.DB
	dialect  sqldb.Dialect
	identity string // a URL without secrets
	file     string // the path of an SQLite database; empty for the others
	secrets  []string
}

// openDatabase reads a connection. It refuses a server on another machine whose TLS is not
// verified, unless insecure. It does not connect yet.
func openDatabase(d sqldb.Dialect, text string, insecure bool) (*database, error) {
	switch d {
	case sqldb.PostgreSQL:
		return openPostgreSQL(text, insecure)
	case sqldb.MySQL:
		return openMySQL(text, insecure)
	}
	return openSQLite(text)
}

func openPostgreSQL(text string, insecure bool) (*database, error) {
	c, err := parseConnection(text)
	if err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(c.address)
	if err != nil { // its text may hold the password
		return nil, console.Usagef("the store file is not a connection of PostgreSQL, such as postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full")
	}
	var hosts []string
	add := func(host string, port uint16, verified bool) error {
		at := net.JoinHostPort(host, strconv.Itoa(int(port)))
		if n := len(hosts); n == 0 || hosts[n-1] != at {
			hosts = append(hosts, at)
		}
		isSocket := strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@")
		if insecure || verified || isSocket || isLocal(host) {
			return nil
		}
		return refuseOpen(host, "add sslmode=verify-full to its address")
	}
	err = add(config.Host, config.Port, config.TLSConfig != nil && !config.TLSConfig.InsecureSkipVerify)
	for _, f := range config.Fallbacks {
		if err == nil {
			err = add(f.Host, f.Port, f.TLSConfig != nil && !f.TLSConfig.InsecureSkipVerify)
		}
	}
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	identity := "postgres://" + strings.Join(hosts, ",") + "/" + url.PathEscape(config.Database)
	if schema := config.RuntimeParams["search_path"]; schema != "" {
		identity += "/" + url.PathEscape(schema)
	}
	return &database{stdlib.OpenDB(*config), sqldb.PostgreSQL, identity, "", []string{config.Password}}, nil
}

const connectTimeout = 10 * time.Second

func openMySQL(text string, insecure bool) (*database, error) {
	c, err := parseConnection(text, tlsOptions...)
	if err != nil {
		return nil, err
	}
	config, err := mysql.ParseDSN(c.address)
	if err != nil { // its text may hold the password
		return nil, console.Usagef("the first line of the store file is not a connection of MySQL, such as USER:PASSWORD@tcp(HOST:3306)/DATABASE?tls=true")
	}
	host := config.Addr
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if len(c.options) > 0 {
		if config.TLS, err = c.tls(host); err != nil {
			return nil, err
		}
	}
	verified := config.TLS != nil && !config.TLS.InsecureSkipVerify && !config.AllowFallbackToPlaintext
	if !insecure && !verified && config.Net != "unix" && !isLocal(host) {
		return nil, refuseOpen(host, "add ?tls=true to its address, and a line ca=FILE for a CA of your own")
	}
	config.AllowAllFiles = false // otherwise the server could ask for any file of this machine
	config.Logger = &mysql.NopLogger{}
	if config.Timeout == 0 {
		config.Timeout = connectTimeout
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, hide(err, config.Passwd)
	}
	identity := "mysql://" + config.Addr + "/" + url.PathEscape(config.DBName)
	return &database{sql.OpenDB(connector), sqldb.MySQL, identity, "", []string{config.Passwd}}, nil
}

func openSQLite(text string) (*database, error) {
	c, err := parseConnection(text)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(c.address, "file:") || strings.Contains(c.address, ":memory:") {
		return nil, console.Usagef("the store file of an SQLite database is the path of its file, such as /var/lib/idp/rings.db")
	}
	path, err := filepath.Abs(c.address)
	if err != nil {
		return nil, err
	}
	where := (&url.URL{Path: path}).EscapedPath()
	// No journal_mode: the file may belong to another program, and a look must not convert it.
	db, err := sql.Open("sqlite", "file:"+where+"?_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)&_pragma=fullfsync(1)")
	if err != nil {
		return nil, err
	}
	return &database{db, sqldb.SQLite, "sqlite://" + where, path, nil}, nil
}

// create makes the file of SQLite, which only this user reads, and switches it to WAL. SQLite itself
// would follow the umask.
func (d *database) create(ctx context.Context) error {
	if d.file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(d.file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(d.file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.useWAL(ctx)
}

// useWAL switches a file of SQLite to WAL, which the file keeps.
func (d *database) useWAL(ctx context.Context) error {
	return sqldb.Opening(ctx, d.dialect, func() error {
		_, err := d.ExecContext(ctx, "PRAGMA journal_mode = WAL")
		return err
	})
}

// has reports whether the database has a table. It makes no file, and changes none that does not
// have the table.
func (d *database) has(ctx context.Context, table string) (bool, error) {
	query := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	switch d.dialect {
	case sqldb.PostgreSQL:
		query = "SELECT COUNT(to_regclass(?))"
	case sqldb.MySQL:
		query = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	default:
		if _, err := os.Stat(d.file); errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
	}
	var n int
	err := sqldb.Opening(ctx, d.dialect, func() error { return d.QueryRowContext(ctx, d.dialect.Bind(query), table).Scan(&n) })
	if err == nil && n > 0 && d.dialect == sqldb.SQLite { // such as a copy that VACUUM INTO has made
		err = d.useWAL(ctx)
	}
	return n > 0, hide(err, d.secrets...)
}
