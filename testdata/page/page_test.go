package page

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// rebound is an attacker's host name that the browser resolves to 127.0.0.1.
const rebound = "rebound.example"

// TestPage pastes tokens into the page, and looks at the page like a person.
func TestPage(t *testing.T) {
	s, b := serve(t), newBrowser(t)
	b.look(t, 1000, "light")
	b.run(t, chromedp.Navigate(s.url))
	if ask(t, b, chromedp.Evaluate[bool](`document.activeElement.id == "token" && document.getElementById("read").hidden`)) != true {
		t.Error("the token's place has no focus, or the button for browsers without a script is shown")
	}

	b.paste(t, short(t))
	b.waitFor(t, "#said", "2 pieces of personal data")
	b.look(t, 760, "light")
	b.shoot(t, "page")
	b.paste(t, signed(t))
	b.waitFor(t, "#said", "4 pieces of personal data")
	for _, text := range []string{
		"NOT VERIFIED", "Nothing here has been checked.", "signed and not encrypted", "token claim act.token",
		"every holder of this token can read them", "expires in 1", "expired 3 d ago", "▲ personal: e-mail address", "▲ personal: postal address",
		`"abc\u202edef\u009b</code><script>document.title='harm'</script><img src=//evil.example/x>"`, "characters, left out",
	} {
		if shown := b.text(t, "#result"); !strings.Contains(shown, text) {
			t.Errorf("the report lacks %q:\n%s", text, shown)
		}
	}
	if n := ask(t, b, chromedp.Evaluate[int](`document.querySelectorAll("a, img, #result script, #result [href], #result [src], #result [style]").length`)); n != 0 {
		t.Errorf("the report has %d links or scripts", n)
	}
	if n := ask(t, b, chromedp.Evaluate[int](`document.querySelectorAll(".members .personal .tag-personal").length`)); n != 4 {
		t.Errorf("%d members are marked as personal, not name, email, website, address", n)
	}
	readable(t, b, "page-signed")

	b.paste(t, sealed(t))
	b.waitFor(t, "#said", "No personal data was found in what stands readable.")
	if shown := b.text(t, "#result"); !strings.Contains(shown, "encrypted, not readable without the recipient’s key") || !strings.Contains(shown, `sealed only the holder of the key "f3Yw9HcTg6NaXe4m"`) || strings.Contains(shown, "Ada") {
		t.Errorf("of a sealed token the page shows\n%s", shown)
	}
	readable(t, b, "page-sealed")

	garbage := base64.StdEncoding.EncodeToString(random(75_000))
	b.paste(t, garbage)
	b.waitFor(t, "#said", "That is not a token.")
	if shown := b.text(t, "#result"); strings.Contains(shown, garbage[:20]) || !strings.Contains(shown, "Reason: ") || strings.Contains(shown, "NOT VERIFIED") {
		t.Errorf("of garbage the page shows\n%.2000s", shown)
	}
	readable(t, b, "page-garbage")

	// The page reads another token right after the first one.
	b.paste(t, sealed(t))
	b.waitFor(t, "#said", "No personal data")
	ask(t, b, chromedp.Evaluate[bool](`document.getElementById("token").value = "a".repeat((1 << 20) + 1), document.getElementById("token").dispatchEvent(new Event("input"))`))
	b.waitFor(t, "#result", "It is longer than 1048576 bytes.")
	b.run(t, chromedp.Click(chromedp.CSS("#clear")))
	b.run(t, chromedp.Poll[chromedp.Void](`document.getElementById("result").childNodes.length == 0 && document.getElementById("token").value == ""`))
	b.clean(t, s.url, "about:blank")
	for _, request := range b.requests {
		if strings.Contains(request, "eyJ") || strings.Contains(request, "?") {
			t.Errorf("a token stands in a URL: %.80s", request)
		}
	}

	// When the server has ended, the page takes no token. Otherwise another process on the port
	// could get one.
	b.paste(t, "eyJ")
	s.end()
	b.waitFor(t, "#said", "This page has ended.")
	if !ask(t, b, chromedp.Evaluate[bool](`document.getElementById("token").disabled && document.getElementById("token").value == ""`)) {
		t.Error("the page still takes a token")
	}
	readable(t, b, "page-ended")
}

// TestPageWithoutScript posts the form.
func TestPageWithoutScript(t *testing.T) {
	s, b := serve(t), newBrowser(t)
	b.run(t, call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}), chromedp.Navigate(s.url))
	b.run(t, chromedp.Focus(chromedp.CSS("#token")), call(input.InsertText, input.InsertTextParams{Text: signed(t)}), chromedp.Click(chromedp.CSS("#read")), chromedp.WaitVisible(chromedp.CSS("#not-verified")))
	b.run(t, call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false}))
	if shown := b.text(t, "#result"); !strings.Contains(shown, "personal: e-mail address") || strings.Contains(shown, "open refuses it") {
		t.Errorf("the page shows\n%s", shown)
	}
	b.clean(t, s.url, "about:blank")
}

// TestForeignPage opens a page of another site, which even knows the path. It can neither read nor
// frame our page, nor make it read a token.
func TestForeignPage(t *testing.T) {
	s, b := serve(t), newBrowser(t)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><iframe src=%q></iframe><form method=post enctype=text/plain action=%[1]q><input name=token value=eyJ><button>go</button></form>`, s.url)
	}))
	defer evil.Close()
	b.run(t, chromedp.Navigate(evil.URL))
	for _, try := range []string{
		`fetch(%q)`, `fetch(%q, {mode: "no-cors"})`, `fetch(%q + "alive")`,
		`fetch(%q + "read", {method: "POST", headers: {"Content-Type": "text/plain"}, body: "token=x"})`,
		`fetch(%q + "read", {method: "POST", mode: "no-cors", body: "token=x"})`,
	} {
		script := fmt.Sprintf(try, s.url) + `.then(a => "read: " + a.status + a.type, () => "blocked")`
		if got := ask(t, b, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise)); got != "blocked" {
			t.Errorf("%s: %s", try, got)
		}
	}
	if !ask(t, b, chromedp.Evaluate[bool](`(() => { try { return frames[0].document.getElementById("token") === null } catch { return true } })()`)) {
		t.Error("the page stands in a frame")
	}
	answer, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS("button")))
	if err != nil || answer.Status != http.StatusForbidden {
		t.Errorf("the form of another site gets %+v, %v", answer, err)
	}
}

// TestReboundName makes an attacker's host name resolve to 127.0.0.1. For the browser the page then
// has the attacker's origin.
func TestReboundName(t *testing.T) {
	s, b := serve(t), newBrowser(t)
	b.run(t, chromedp.Navigate(strings.Replace(s.url, "127.0.0.1", rebound, 1)))
	if shown := strings.TrimSpace(b.text(t, "body")); shown != "this server answers to its own address alone" {
		t.Errorf("the browser shows %q", shown)
	}
}

// TestReports opens the files of inspect and keys list.
func TestReports(t *testing.T) {
	b, folder := newBrowser(t), t.TempDir()
	token := sealjwt(t, "inspect", "-o", "html")
	token.Stdin = strings.NewReader(signed(t))
	for name, cmd := range map[string]interface{ Output() ([]byte, error) }{"report": token, "keys": keysList(t)} {
		html, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		path := filepath.Join(folder, name+".html")
		if err := os.WriteFile(path, html, 0o600); err != nil {
			t.Fatal(err)
		}
		b.run(t, chromedp.Navigate("file://"+path))
		readable(t, b, name)
	}
	b.clean(t, "file://"+folder, "about:blank")
}

// keysList returns the command keys list on a new ring.
func keysList(t *testing.T) interface{ Output() ([]byte, error) } {
	t.Helper()
	made := sealjwt(t, "keys", "init")
	made.Stderr = io.Discard
	if err := made.Run(); err != nil {
		t.Fatal(err)
	}
	list := sealjwt(t, "keys", "list", "-o", "html")
	list.Env = made.Env
	return list
}
