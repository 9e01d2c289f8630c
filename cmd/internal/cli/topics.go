package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// topics returns the pages of help that belong to no verb.
func (a *App) topics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "The exit codes, for scripts", Long: exitCodesText},
		{Use: "environment", Short: "The variables that are read", Long: a.environmentText()},
		{Use: "files", Short: "The files that are read and written", Long: filesText},
	}
}

const exitCodesText = `The exit codes, on which scripts can rely:

  0  done
  1  internal, or I/O: a file that is missing, a ring that could not be written
  2  usage, or a bad claims file
  3  not authentic: malformed, algorithm not the key's, signature or tag
  4  a claim or the type is refused: expired, issuer not trusted, audience
  5  key or ring: missing, unknown kid, revoked, damaged, wrong key file or
     passphrase, no usable key of the recipient
  6  policy: readable personal data, weak key, lifetime too long,
     private keys in a public set, a window that is not over yet
  7  due: a rotation (keys check), or a feed that is too old (revoked check)

With --jsonl the exit code is the code of the lines that failed, or 1 if their codes
differ. The result is on standard output alone; errors are one line on standard error.`

// environmentText returns the topic on the environment. A command without stores does not read
// SEALJWT_STORE_FILE, and its topic does not name it.
func (a *App) environmentText() string {
	storeFile := ""
	if len(a.openers) > 0 {
		storeFile = `
  SEALJWT_STORE_FILE       file with the connection to the store of a ring that
                           is not a file (--store-file)`
	}
	return fmt.Sprintf(environmentText, storeFile)
}

const environmentText = `These variables are read. A flag beats the variable of the same meaning. An empty
variable counts as unset.

  SEALJWT_RING             path of the ring (--ring)
  SEALJWT_KEK_FILE         key file that opens the ring (--kek-file)
  SEALJWT_PASSPHRASE_FILE  file with the passphrase of the ring
                           (--passphrase-file)
  SEALJWT_SEEN_FILE        file that remembers which rings were seen
                           (--seen-file)%s
  XDG_DATA_HOME            folder of the ring, instead of ~/.local/share
  XDG_CONFIG_HOME          folder of the key file, instead of ~/.config
  XDG_STATE_HOME           folder of the memory of rings, instead of
                           ~/.local/state
  XDG_CACHE_HOME           folder of fetched keys, instead of ~/.cache
  HOME                     home folder, for the folders above
  NO_COLOR                 not empty: no words in colour on a terminal
  HTTPS_PROXY, NO_PROXY    proxy for fetching keys, as Go programs read them
  SSL_CERT_FILE            certificates of your own authorities`

const filesText = `These files are read and written. Files with secrets have mode 0600, and no verb puts
another ring in the place of a ring.

  ~/.local/share/sealjwt/ring        the ring: private keys, encrypted
  ~/.local/share/sealjwt/ring.lock   lock of the processes that write the ring
  ~/.config/sealjwt/kek              key file that opens the ring
  ~/.config/sealjwt/kek.seen         memory of the rings that were seen, which
                                     notices a ring that was set back
  ~/.local/state/sealjwt/kek.seen    the same, where the folder of the key file
                                     cannot be written
  ~/.cache/sealjwt/jwks/             keys that were fetched from URLs

Back up the ring and the key file apart from each other. A lost key file is final.`
