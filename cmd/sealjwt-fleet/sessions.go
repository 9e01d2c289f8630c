package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sealjwt/sealjwt/cmd/internal/cli"
	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/sqldb"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
)

// sessionStore holds the flags that name the sessions of a user.
type sessionStore struct {
	app             *cli.App
	insecure        *bool
	store, iss, sub string
}

func sessionsCommand(app *cli.App, insecure *bool) *cobra.Command {
	s := &sessionStore{app: app, insecure: insecure}
	cmd := &cobra.Command{
		Use:   "sessions",
		Short: "List the devices on which a user is logged in, and log them out",
		Long: `Works on the sessions that an issuer keeps in a database (package open/sessions).
--store-file has the connection, and --kek-file or a passphrase opens the keys of the
sessions. When a session ends, every verifier that follows the feed of the issuer refuses its tokens
within a moment.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return console.Usagef("a verb is missing (list, end, end-others, end-all): see %s --help", cmd.CommandPath())
		},
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&s.store, "store", "", "`KIND` of the database: postgres, mysql or sqlite")
	flags.StringVar(&s.iss, "iss", "", "`ISSUER` whose sessions they are")
	flags.StringVar(&s.sub, "sub", "", "`SUBJECT` who is logged in")
	cmd.AddCommand(s.listCommand(), s.endCommand(), s.endOthersCommand(), s.endAllCommand())
	return cmd
}

var dialects = map[string]sqldb.Dialect{"postgres": sqldb.PostgreSQL, "mysql": sqldb.MySQL, "sqlite": sqldb.SQLite}

// registry opens the sessions of an issuer. If the database has no tables or no keys of sessions,
// it returns an error and makes none: the issuer makes them.
func (s *sessionStore) registry(ctx context.Context) (*sessions.Registry, error) {
	d := dialects[s.store]
	switch {
	case d == 0:
		return nil, console.Usagef("--store is postgres, mysql or sqlite")
	case s.iss == "" || s.sub == "":
		return nil, console.Usagef("--iss ISSUER and --sub SUBJECT say whose sessions are meant: give both")
	}
	connection, err := s.app.Connection()
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(d, connection, *s.insecure)
	if err != nil {
		return nil, err
	}
	has, err := db.has(ctx, "sealjwt_registry")
	if err != nil {
		return nil, err
	}
	none := &console.Failure{Err: errors.New("this database holds no sessions"), Code: console.ExitKey,
		Advice: "name the database of the issuer in the store file"}
	if !has {
		return nil, none
	}
	store, err := sqlstore.New(ctx, db.DB, d)
	if err != nil {
		return nil, hide(err, db.secrets...)
	}
	doc, _, err := store.LoadKeys(ctx)
	if errors.Is(err, sessions.ErrNoKeys) {
		return nil, none
	}
	if err != nil {
		return nil, hide(err, db.secrets...)
	}
	// A document that cannot be read names no slots here, and package sessions refuses it later.
	var vault struct {
		Root json.RawMessage `json:"root"` // the part that has the slots
	}
	_ = json.Unmarshal(doc, &vault)
	kek, err := s.app.KEK(ctx, vault.Root, "registry")
	if err != nil {
		return nil, explainSessions(err)
	}
	// These are the longest times that an issuer can have: an end is kept in the list of the
	// verifiers until the last token of the session has expired, and this command does not know
	// when that is.
	return sessions.New(sessions.Config{
		Issuer: s.iss, Store: store, KEK: kek, TokenLifetime: 24 * time.Hour, Leeway: 10 * time.Minute, ClockSkew: 10 * time.Minute,
	})
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return console.Usagef("%s takes no argument: see %[1]s --help", cmd.CommandPath())
	}
	return nil
}

func (s *sessionStore) listCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{Use: "list", Short: "List the sessions of a user, the oldest first", Args: noArguments}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORM` of the result: text or json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if output != "text" && output != "json" {
			return console.Usagef("--output is text or json")
		}
		registry, err := s.registry(cmd.Context())
		if err != nil {
			return err
		}
		list, err := registry.List(cmd.Context(), s.sub)
		if err != nil {
			return explainSessions(err)
		}
		if output == "json" {
			return s.app.PrintJSON(map[string]any{"sessions": rows(list)})
		}
		return s.app.Print(table(list))
	}
	return cmd
}

// row is a session in JSON, with the names of the handler of package sessions.
type row struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Agent   string    `json:"agent"`
	Address string    `json:"address"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Expires time.Time `json:"expires"`
}

func rows(list []sessions.Session) []row {
	all := []row{}
	for _, s := range list {
		all = append(all, row{s.ID, s.Device.Name, s.Device.Agent, s.Device.Addr, s.Started.UTC(), s.Seen.UTC(), s.Expires.UTC()})
	}
	return all
}

func table(list []sessions.Session) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SID\tSTARTED\tSEEN\tEXPIRES\tADDRESS\tNAME\tAGENT")
	for _, s := range rows(list) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Started.Format(time.RFC3339), s.Seen.Format(time.RFC3339),
			s.Expires.Format(time.RFC3339), console.Printable(s.Address), console.Printable(s.Name), console.Printable(s.Agent))
	}
	w.Flush()
	return b.Bytes()
}

func (s *sessionStore) endCommand() *cobra.Command {
	var sid string
	cmd := &cobra.Command{Use: "end", Short: "End one session of a user", Args: noArguments}
	cmd.Flags().StringVar(&sid, "sid", "", "`SID` of the session, as list shows it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if sid == "" {
			return console.Usagef("--sid names the session to end: see sessions list")
		}
		registry, err := s.registry(cmd.Context())
		if err != nil {
			return err
		}
		if err := registry.End(cmd.Context(), s.sub, sid); err != nil {
			return explainSessions(err)
		}
		s.app.Say("ended 1 session")
		return nil
	}
	return cmd
}

func (s *sessionStore) endOthersCommand() *cobra.Command {
	var sid string
	cmd := &cobra.Command{Use: "end-others", Short: "End every session of a user but one", Args: noArguments}
	cmd.Flags().StringVar(&sid, "sid", "", "`SID` of the session that stays, as list shows it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if sid == "" {
			return console.Usagef("--sid names the session that stays: see sessions list; end-all ends each")
		}
		return s.endMany(cmd.Context(), func(r *sessions.Registry) (int, error) { return r.EndOthers(cmd.Context(), s.sub, sid) })
	}
	return cmd
}

func (s *sessionStore) endAllCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "end-all", Short: "End every session of a user", Args: noArguments}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return s.endMany(cmd.Context(), func(r *sessions.Registry) (int, error) { return r.EndAll(cmd.Context(), s.sub) })
	}
	return cmd
}

func (s *sessionStore) endMany(ctx context.Context, end func(*sessions.Registry) (int, error)) error {
	registry, err := s.registry(ctx)
	if err != nil {
		return err
	}
	n, err := end(registry)
	if err != nil {
		return explainSessions(err)
	}
	s.app.Say("ended %s", console.Count(int64(n), "session"))
	return nil
}

// explainSessions gives the errors of the sessions their exit codes.
func explainSessions(err error) error {
	const advice = "name the key file or the passphrase of this issuer's registry with --kek-file or --passphrase-file"
	if _, ok := errors.AsType[*console.Failure](err); ok {
		return err
	}
	switch {
	case errors.Is(err, keyring.ErrUnreadable): // its text speaks of a ring
		text := "the keys of the sessions cannot be opened: wrong key file or passphrase, or a damaged registry"
		return &console.Failure{Err: &hidden{text, err}, Code: console.ExitKey, Advice: advice}
	case errors.Is(err, keyring.ErrKEK):
		return &console.Failure{Err: err, Code: console.ExitKey, Advice: advice}
	case errors.Is(err, sessions.ErrSubject):
		return &console.Failure{Err: err, Code: console.ExitUsage}
	case errors.Is(err, sessions.ErrNoSession):
		return &console.Failure{Err: err, Code: console.ExitKey, Advice: "see what there is with: sealjwt-fleet sessions list"}
	case errors.Is(err, sessions.ErrDamaged):
		return &console.Failure{Err: err, Code: console.ExitKey, Advice: "is --iss the issuer, to the letter?"}
	}
	return err
}
