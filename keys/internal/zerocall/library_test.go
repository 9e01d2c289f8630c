//go:build unix

package zerocall_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealjwt/sealjwt/keys"
	"github.com/sealjwt/sealjwt/keys/filestore"
	"github.com/sealjwt/sealjwt/keys/internal/zerocall"
	"github.com/sealjwt/sealjwt/keys/jwks"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/sealjwt/sealjwt/keys/keytest"
	"github.com/sealjwt/sealjwt/keys/ringmove"
	"github.com/sealjwt/sealjwt/keys/sqldb"
	ringsqlstore "github.com/sealjwt/sealjwt/keys/sqlstore"
	"github.com/sealjwt/sealjwt/keys/strict"
	"github.com/sealjwt/sealjwt/open"
	"github.com/sealjwt/sealjwt/open/bearer"
	"github.com/sealjwt/sealjwt/open/opentest"
	"github.com/sealjwt/sealjwt/open/sessions"
	"github.com/sealjwt/sealjwt/open/sessions/sqlstore"
	"github.com/sealjwt/sealjwt/seal"
	"github.com/sealjwt/sealjwt/seal/leak"
	"github.com/sealjwt/sealjwt/seal/pii"
)

// TestLibrary calls every package of the library with zero values and nil. Both are mistakes
// that a caller makes. The caller gets an error, or nothing, and no panic.
func TestLibrary(t *testing.T) {
	source, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	library := library(t)
	if want, got := folders(t, source), slices.Sorted(maps.Keys(library)); !slices.Equal(got, want) {
		t.Errorf("the packages are %v, and %v are called", want, got)
	}
	t.Chdir(t.TempDir()) // some calls write a file
	for folder, api := range library {
		t.Run(folder, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api.Folder = filepath.Join(source, folder)
				// Run returns only when its context ends.
				api.Context = func() context.Context {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					t.Cleanup(cancel)
					return ctx
				}
				zerocall.Check(t, api)
			})
		})
	}
}

// down is the transport of a network that is down.
type down struct{}

func (down) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("down") }

// folders returns the folders of the packages that users can import.
func folders(t *testing.T, source string) (all []string) {
	t.Helper()
	for _, top := range []string{"keys", "open", "seal"} {
		err := filepath.WalkDir(filepath.Join(source, top), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "internal" || d.Name() == "testdata"):
				return filepath.SkipDir
			case d.IsDir() && isModule(path): // its own tests call it
				return filepath.SkipDir
			case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				folder, err := filepath.Rel(source, filepath.Dir(path))
				all = append(all, folder)
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// isModule reports whether a folder holds a nested module.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// library returns the API of each package, by its folder.
func library(t *testing.T) map[string]zerocall.API {
	t.Helper()
	sig, enc := keytest.NewKey(keys.ES256), keytest.NewKey(keys.ECDHES)
	set := keytest.NewSet(sig, enc)
	public, err := set.PublicKeys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := enc.NewSender(keys.A256GCM)
	if err != nil {
		t.Fatal(err)
	}
	kek, err := keyring.NewKEK(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	registry, err := sessions.New(sessions.Config{Issuer: "https://id.example.com", Store: sessions.NewMemStore(), KEK: kek, TokenLifetime: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	feed, err := sessions.NewFeed(sessions.FeedConfig{Registry: registry, Signing: set, Public: true})
	if err != nil {
		t.Fatal(err)
	}
	remote, err := sessions.NewRemote(sessions.RemoteConfig{
		URL: "https://id.example.com/revoked", Issuer: "https://id.example.com", Keys: public, Transport: down{},
	})
	if err != nil {
		t.Fatal(err)
	}
	const runs = "it runs a test with a *testing.T, and fails that test"
	return map[string]zerocall.API{
		"keys": {
			Functions: map[string]any{
				"CutHeader": keys.CutHeader, "FromDecrypter": keys.FromDecrypter, "FromKeyExchanger": keys.FromKeyExchanger,
				"FromSigner": keys.FromSigner, "GenerateKey": keys.GenerateKey, "NewSet": keys.NewSet, "ParseContent": keys.ParseContent,
				"ParseKey": keys.ParseKey, "ParsePublicSet": keys.ParsePublicSet, "ParseSuite": keys.ParseSuite, "ReadHeader": keys.ReadHeader,
				"Suites": keys.Suites,
			},
			Receivers: map[string][]any{
				"Content": {keys.Content(0), keys.Content(4), keys.Content(255)}, "Header": {keys.Header{}}, "Hint": {keys.Hint{}},
				"Key": {&keys.Key{}, sig, enc}, "PublicSet": {&keys.PublicSet{}, public}, "Recipient": {keys.Recipient{}},
				"Sender": {keys.Sender{}, sender}, "Set": {&keys.Set{}, set}, "SetConfig": {keys.SetConfig{}}, "SkippedKey": {keys.SkippedKey{}},
				"Suite": {keys.Suite(0), keys.ES256, keys.Suite(200), keys.Suite(255)}, "Use": {keys.UseSig},
			},
		},
		"keys/filestore": {
			Functions: map[string]any{
				"CheckPaths": filestore.CheckPaths, "CheckSecret": filestore.CheckSecret,
				"HasVolumeGroup": filestore.HasVolumeGroup, "New": filestore.New, "NewMemory": filestore.NewMemory,
				"OpenOrCreate": filestore.OpenOrCreate, "ReplaceFile": filestore.ReplaceFile,
			},
			Receivers: map[string][]any{"Memory": {filestore.Memory{}}, "Store": {&filestore.Store{}}},
		},
		"keys/jwks": {
			Functions: map[string]any{"Discover": jwks.Discover, "NewClient": jwks.NewClient, "NewHandler": jwks.NewHandler, "NewRemote": jwks.NewRemote, "NewTransport": jwks.NewTransport},
			Receivers: map[string][]any{
				"CacheEntry": {jwks.CacheEntry{}}, "DiscoverConfig": {jwks.DiscoverConfig{}}, "FetchError": {jwks.FetchError{}}, "FetchResult": {jwks.FetchResult{}},
				"HandlerConfig": {jwks.HandlerConfig{}}, "Reason": {jwks.Reason("")}, "Remote": {&jwks.Remote{}}, "RemoteConfig": {jwks.RemoteConfig{}},
			},
		},
		"keys/keyring": {
			Functions: map[string]any{
				"Create": keyring.Create, "CreateKEKFile": keyring.CreateKEKFile,
				"KEKFile": keyring.KEKFile, "NewKEK": keyring.NewKEK, "NewMemStore": keyring.NewMemStore, "Open": keyring.Open,
				"OpenOrCreate": keyring.OpenOrCreate, "PassphraseKEK": keyring.PassphraseKEK,
				"UnwrapSecret": keyring.UnwrapSecret, "WrapSecret": keyring.WrapSecret,
			},
			Receivers: map[string][]any{
				"Action": {keyring.Action("")}, "Checkpoint": {keyring.Checkpoint{}}, "Config": {keyring.Config{}}, "Event": {keyring.Event{}},
				"KeyInfo": {keyring.KeyInfo{}}, "Policy": {keyring.Policy{}, keyring.Policy{TokenLifetime: time.Hour}}, "Revocation": {keyring.Revocation{}},
				"Ring": {&keyring.Ring{}, keytest.NewRing()}, "State": {keyring.State("")}, "Step": {keyring.Step{}},
				"UsePolicy": {keyring.UsePolicy{}}, "WindowError": {keyring.WindowError{}}, "Windows": {keyring.Windows{}},
				"WrappedKey": {keyring.WrappedKey{}},
			},
		},
		"keys/keytest": {
			Functions: map[string]any{
				"NewKey": keytest.NewKey, "NewRing": keytest.NewRing, "NewSet": keytest.NewSet, "SetConfig": keytest.SetConfig,
			},
			Panics: []string{"NewKey", "NewRing", "NewSet", "SetConfig"},
		},
		"keys/ringmove": {
			Functions: map[string]any{"Check": ringmove.Check, "Move": ringmove.Move},
			Receivers: map[string][]any{"Error": {ringmove.Error{}}, "Place": {ringmove.Place{}}},
		},
		"keys/sqldb": {
			Functions: map[string]any{
				"ChangedOne": sqldb.ChangedOne, "CheckDurable": sqldb.CheckDurable, "CheckTables": sqldb.CheckTables, "CheckTx": sqldb.CheckTx,
				"CreateTables": sqldb.CreateTables, "Marks": sqldb.Marks, "Opening": sqldb.Opening, "Writing": sqldb.Writing,
			},
			Receivers: map[string][]any{"Dialect": {sqldb.Dialect(0), sqldb.PostgreSQL, sqldb.Dialect(99)}, "Types": {sqldb.Types{}}},
		},
		"keys/sqlstore": {
			Functions: map[string]any{"CreateTable": ringsqlstore.CreateTable, "New": ringsqlstore.New},
			Receivers: map[string][]any{"Dialect": {ringsqlstore.Dialect(0), ringsqlstore.SQLite}, "Store": {&ringsqlstore.Store{}}},
		},
		"keys/storetest": {Excluded: map[string]string{"Run": runs, "RunShared": runs}},
		"keys/strict": {
			Functions: map[string]any{
				"AppendBase64URL": strict.AppendBase64URL, "AppendDecodeBase64URL": strict.AppendDecodeBase64URL[[]byte],
				"AppendMember": strict.AppendMember, "AppendString": strict.AppendString, "DecodeBase64URL": strict.DecodeBase64URL[[]byte],
				"EncodeBase64URL": strict.EncodeBase64URL, "IsMediaType": strict.IsMediaType, "ParseClaim": strict.ParseClaim, "ParseClaims": strict.ParseClaims, "ParseObject": strict.ParseObject,
				"SameMediaType": strict.SameMediaType,
			},
			Receivers: map[string][]any{
				"Error": {strict.Error{}}, "Literal": {strict.Literal{}, strict.Literal{OK: true}},
				"MemberError": {strict.MemberError{}}, "Object": {strict.Object{}},
			},
		},
		"open": {
			Functions: map[string]any{
				"ClaimsOf": open.ClaimsOf[json.RawMessage], "New": open.New, "NewGateway": open.NewGateway, "NewSelective": open.NewSelective,
			},
			Receivers: map[string][]any{
				"Config": {open.Config{}}, "ConfigError": {open.ConfigError{}}, "Error": {open.Error{}}, "GatewayConfig": {open.GatewayConfig{}},
				"Issuer": {open.Issuer{}}, "Limits": {open.Limits{}}, "Missing": {open.Missing(0), open.Type}, "Opener": {&open.Opener{}}, "SelectiveConfig": {open.SelectiveConfig{}},
				"Token": {open.Token{}},
			},
		},
		"open/bearer": {
			Functions: map[string]any{"New": bearer.New, "RequireScope": bearer.RequireScope, "TokenFrom": bearer.TokenFrom},
			Receivers: map[string][]any{"Authenticator": {bearer.Authenticator{}}, "Config": {bearer.Config{}}, "Refusal": {bearer.Refusal{}}},
			Panics:    []string{"RequireScope"},
		},
		"open/opentest": {
			Functions: map[string]any{"Cases": opentest.Cases, "NewKey": opentest.NewKey, "PublicSet": opentest.PublicSet},
			Receivers: map[string][]any{"Case": {opentest.Case{}}, "Issuer": {opentest.Issuer{}}, "Limits": {opentest.Limits{}}, "Target": {opentest.Target{}}},
			Panics:    []string{"NewKey", "PublicSet"},
			Excluded:  map[string]string{"Run": runs},
		},
		"open/sessions": {
			Functions: map[string]any{
				"Check": sessions.Check, "New": sessions.New, "NewFeed": sessions.NewFeed, "NewMemStore": sessions.NewMemStore, "NewRemote": sessions.NewRemote,
			},
			Receivers: map[string][]any{
				"Config": {sessions.Config{}}, "ConfigError": {sessions.ConfigError{}}, "Cursor": {sessions.Cursor{}}, "Device": {sessions.Device{}},
				"Ended": {sessions.Ended{}}, "Entry": {sessions.Entry{}}, "Feed": {&sessions.Feed{}, feed}, "FeedConfig": {sessions.FeedConfig{}},
				"ID": {sessions.ID{}}, "Login": {sessions.Login(nil)}, "News": {sessions.News{}}, "Remote": {&sessions.Remote{}, remote},
				"RemoteConfig": {sessions.RemoteConfig{}}, "Status": {sessions.Status{}},
				"Registry": {&sessions.Registry{}, registry}, "Revocation": {sessions.Revocation{}}, "RevocationConfig": {sessions.RevocationConfig{}},
				"Row": {sessions.Row{}}, "Session": {sessions.Session{}}, "Tail": {sessions.Tail{}}, "User": {sessions.User{}}, "Which": {sessions.Which{}},
			},
		},
		"open/sessions/sqlstore": {
			Functions: map[string]any{"New": sqlstore.New},
			Receivers: map[string][]any{"Dialect": {sqlstore.Dialect(0), sqlstore.SQLite}, "Store": {&sqlstore.Store{}}},
		},
		"open/sessions/storetest": {Excluded: map[string]string{"Run": runs, "RunRegistry": runs, "RunShared": runs, "Follow": "it writes to a store"}},
		"seal": {
			Functions: map[string]any{"New": seal.New, "NewSelective": seal.NewSelective},
			Receivers: map[string][]any{
				"AdviceError": {&seal.AdviceError{}}, "Claims": {seal.Claims{}}, "Config": {seal.Config{}}, "ConfigError": {seal.ConfigError{}}, "Limits": {seal.Limits{}},
				"Recipient": {seal.Recipient{}}, "Sealer": {&seal.Sealer{}}, "Session": {seal.Session{}}, "SelectiveConfig": {seal.SelectiveConfig{}},
				"SelectiveRecipient": {seal.SelectiveRecipient{}},
			},
		},
		"seal/leak": {
			Functions: map[string]any{"NewFinder": leak.NewFinder, "Read": leak.Read},
			Receivers: map[string][]any{
				"CompressedError": {&leak.CompressedError{}}, "Cut": {leak.Whole}, "Finder": {&leak.Finder{}}, "Form": {leak.JWS}, "Layer": {&leak.Layer{}},
				"Limit": {leak.LimitLength}, "Member": {leak.Member{}}, "Sighting": {leak.Sighting{}}, "Size": {leak.Size{}}, "Unverified": {&leak.Unverified{}},
			},
		},
		"seal/pii": {
			Functions: map[string]any{"InName": pii.InName, "InNumber": pii.InNumber, "InObject": pii.InObject, "InText": pii.InText, "InValue": pii.InValue},
			Receivers: map[string][]any{"Finding": {pii.Finding{}}, "Kind": {pii.Kind("")}, "Place": {&pii.Place{}}},
		},
	}
}
