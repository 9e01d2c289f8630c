package cli

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
	"github.com/sealjwt/sealjwt/cmd/internal/keycache"
	"github.com/sealjwt/sealjwt/keys/keyring"
	"github.com/spf13/cobra"
)

// App is one run of the command: its console, and the flags that all verbs share.
type App struct {
	*console.Console

	ring, kekFile, passphraseFile, seenFile, storeFile string

	kek       keyring.KEK // nil until it was read
	askNew    bool        // ask the user for the passphrase of a new ring
	forgotten forgotten

	cache   *keycache.Cache // nil until it is needed
	openers map[string]OpenStore
	trusts  *bool             // --insecure-store
	stores  map[string]ringAt // the open stores, by place and store file
}

func (a *App) addGlobals(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&a.ring, "ring", "", "`PATH` of the ring (SEALJWT_RING; default ~/.local/share/sealjwt/ring)")
	flags.StringVar(&a.kekFile, "kek-file", "", "`FILE` with the key that opens the ring (SEALJWT_KEK_FILE; default ~/.config/sealjwt/kek)")
	flags.StringVar(&a.passphraseFile, "passphrase-file", "", "`FILE` with the passphrase that opens the ring, - for standard input (SEALJWT_PASSPHRASE_FILE)")
	flags.StringVar(&a.seenFile, "seen-file", "",
		"`FILE` that remembers which rings were seen (SEALJWT_SEEN_FILE; default the key file with .seen, or ~/.local/state/sealjwt/kek.seen)")
	if len(a.openers) > 0 {
		flags.StringVar(&a.storeFile, "store-file", "", "`FILE` with the connection to the store of a ring that is not a file (SEALJWT_STORE_FILE)")
	}
	if a.trusts != nil {
		flags.BoolVar(a.trusts, "insecure-store", false,
			"talk to a store on another machine without TLS, or without verifying it: the network reads the password, and may answer as the store")
	}
}

// pathFlags are the flags of this package whose value can be the path of a file. A value of --ring,
// --to or --trust can also name something else, such as a URL.
var pathFlags = []string{
	"ring", "kek-file", "passphrase-file", "to", "trust", "add-kek-file", "add-passphrase-file", "seen-file", "tls-cert", "tls-key",
	"header-file", "store-file", "from", "from-store-file", "to-store-file",
}

// textFlags are the flags of this package that must not be empty.
var textFlags = append([]string{"iss", "aud", "sub", "typ", "reason", "addr", "metrics-addr", "path", "issuer"}, pathFlags...)

// checkFlags refuses flags that contradict each other or do not fit the verb, a path that begins
// with ~/, and a flag with an empty value. An empty value usually comes from a variable that a
// script forgot to set. It must not count as a flag that was left out: that would mean the default
// ring, sealing to the own ring or trusting the own ring.
func (a *App) checkFlags(cmd *cobra.Command, args []string) error {
	if err := checkRingless(cmd); err != nil {
		return err
	}
	for _, name := range textFlags {
		f := cmd.Flag(name)
		if f == nil || !f.Changed {
			continue
		}
		for _, value := range valuesOf(f.Value) {
			if value == "" {
				return console.Usagef("--%s is empty: give a value, or leave it out", name)
			}
			if err := console.CheckHome("--"+name, value); err != nil && slices.Contains(pathFlags, name) {
				return err
			}
		}
	}
	if a.kekFile != "" && a.passphraseFile != "" {
		return console.Usagef("--kek-file and --passphrase-file: give the one that opens the ring")
	}
	return a.checkStdin(cmd, args)
}

// checkStdin refuses a command line that reads two things from standard input.
func (a *App) checkStdin(cmd *cobra.Command, args []string) error {
	var readers []string
	if place, err := a.kekPlace(); err == nil && place.passphraseFile == fromStdin {
		readers = append(readers, "the passphrase of the ring")
	}
	if f := cmd.Flag("add-passphrase-file"); f != nil && f.Value.String() == fromStdin {
		readers = append(readers, "the passphrase to add")
	}
	if strings.Contains(cmd.Use, "FILE|-]") && (len(args) == 0 || args[0] == "-") {
		readers = append(readers, "the input of "+cmd.Name())
	}
	if len(readers) > 1 {
		return console.Usagef("standard input cannot be both %s: name a file for one of them", strings.Join(readers, " and "))
	}
	return nil
}

// valuesOf returns the values of a flag. A flag that may be repeated can have several.
func valuesOf(value fmt.Stringer) []string {
	if list, ok := value.(interface{ GetSlice() []string }); ok {
		return list.GetSlice()
	}
	return []string{value.String()}
}

// ringPath returns the place of the ring: from the flag, the environment, or the user's data
// folder.
func (a *App) ringPath() (string, error) {
	// These variables are checked here, because the code that later finds the file of the ring's
	// memory cannot return an error.
	for _, name := range []string{"SEALJWT_SEEN_FILE", "XDG_STATE_HOME"} {
		if err := console.CheckHome(name, os.Getenv(name)); err != nil && a.seenFile == "" {
			return "", err
		}
	}
	if a.ring != "" {
		return a.ring, nil
	}
	if path := os.Getenv("SEALJWT_RING"); path != "" {
		return path, console.CheckHome("SEALJWT_RING", path)
	}
	return console.UserPath("XDG_DATA_HOME", ".local/share", "ring")
}

// kekPlace is where the KEK comes from: a key file or a file with a passphrase.
type kekPlace struct {
	file, passphraseFile string
	standard             bool // neither a flag nor a variable names a place
}

// kekPlace returns the place of the KEK. A flag of either kind beats the environment.
func (a *App) kekPlace() (kekPlace, error) {
	p := kekPlace{file: a.kekFile, passphraseFile: a.passphraseFile}
	if p == (kekPlace{}) {
		p.file, p.passphraseFile = os.Getenv("SEALJWT_KEK_FILE"), os.Getenv("SEALJWT_PASSPHRASE_FILE")
		if p.file != "" && p.passphraseFile != "" {
			return p, console.Usagef("SEALJWT_KEK_FILE and SEALJWT_PASSPHRASE_FILE: set the one that opens the ring")
		}
		if err := cmp.Or(console.CheckHome("SEALJWT_KEK_FILE", p.file), console.CheckHome("SEALJWT_PASSPHRASE_FILE", p.passphraseFile)); err != nil {
			return p, err
		}
	}
	if p == (kekPlace{}) {
		path, err := console.UserPath("XDG_CONFIG_HOME", ".config", "kek")
		return kekPlace{file: path, standard: true}, err
	}
	return p, nil
}

// cacheVariable is the environment variable with the parent folder of the cache.
const cacheVariable = "XDG_CACHE_HOME"

// keyCache returns the cache of JWK Sets that were fetched. It refuses a value of XDG_CACHE_HOME
// that begins with ~/: with it the cache would not be used, and no line would say so.
func (a *App) keyCache() (*keycache.Cache, error) {
	if err := console.CheckHome(cacheVariable, os.Getenv(cacheVariable)); err != nil {
		return nil, err
	}
	if a.cache == nil {
		folder, err := console.UserPath(cacheVariable, ".cache", "jwks")
		if err != nil {
			folder = "" // without a home folder there is no cache
		}
		a.cache = keycache.New(a.Console, folder)
	}
	return a.cache, nil
}

// again returns a command line with a verb, for a hint. Behind a verb of keys stand the flags of
// this run that lead to the same ring; repeat, which Hint calls, chooses them.
func (a *App) again(verb string) string { return a.Hint(verb) }

// repeat returns the flags of this run that name the ring, its key and its memory, for a hint with
// this verb. It returns "" for --help and for a verb outside keys: a hint with such a verb needs no
// ring, or is not a complete command line. keys copy names the ring itself, so it gets no --ring.
func (a *App) repeat(verb string) (flags string) {
	if !strings.HasPrefix(verb, "keys ") || strings.HasSuffix(verb, "--help") {
		return ""
	}
	copies := strings.HasPrefix(verb+" ", "keys copy ")
	named := copies && strings.Contains(verb, " --from ") // then it names the store file of each place too
	for _, f := range []struct{ name, value string }{
		{"ring", a.ring}, {"kek-file", a.kekFile}, {"passphrase-file", a.passphraseFile}, {"seen-file", a.seenFile}, {"store-file", a.storeFile},
	} {
		if f.value != "" && !(copies && f.name == "ring") && !(named && f.name == "store-file") {
			flags += " --" + f.name + " " + shellWord(f.value)
		}
	}
	if a.trusts != nil && *a.trusts {
		flags += " --insecure-store"
	}
	return flags
}

var plainWord = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// shellWord returns a word in quotes, unless a shell reads it as one plain word without them.
func shellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// forgotten says, if this run cannot remember the ring durably, how it remembers the ring and why.
// The user gets the reason once, after the ring was opened. A run that fails before that prints
// only its error.
type forgotten struct {
	mu           sync.Mutex // a server rotates its ring beside the requests
	how, why     string
	opened, told bool
}
