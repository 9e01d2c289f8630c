package twoparties

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestTwoBrowsers logs a user in with two browsers. The first one shows both devices, marks itself,
// and logs the other one out. The other one is out at its next request, and the API refuses its
// token.
func TestTwoBrowsers(t *testing.T) {
	program := chromium(t)
	p := buildParties(t).start(t, 0)
	phone, laptop := newBrowser(t, program), newBrowser(t, program)
	phone.logIn(t, p.issuer, "Ada's phone")
	laptop.logIn(t, p.issuer, "Ada's laptop")

	phone.run(t, chromedp.Navigate(p.issuer))
	devices := phone.devices(t)
	if len(devices) != 2 || !strings.Contains(devices[0], "Ada's phone · this device") || !strings.Contains(devices[1], "Ada's laptop") || strings.Contains(devices[1], "this device") {
		t.Fatalf("the phone sees the devices %q", devices)
	}
	if devices := laptop.devices(t); len(devices) != 2 || !strings.Contains(devices[1], "Ada's laptop · this device") {
		t.Errorf("the laptop sees the devices %q", devices)
	}
	token := laptop.token(t)
	for _, api := range p.apis {
		if status, _, err := p.me(api, token); err != nil || status != http.StatusOK {
			t.Fatalf("before the log-out the API answers %d, %v", status, err)
		}
	}
	phone.shoot(t, "devices")

	phone.run(t, chromedp.Click(chromedp.CSS("li:nth-child(2) button")), chromedp.WaitNotPresent(chromedp.CSS("li:nth-child(2)")))
	if devices := phone.devices(t); len(devices) != 1 || !strings.Contains(devices[0], "Ada's phone · this device") {
		t.Errorf("after the log-out the phone sees the devices %q", devices)
	}
	for _, api := range p.apis {
		p.refuses(t, api, token)
	}
	if status, _, err := p.me(p.apis[0], phone.token(t)); err != nil || status != http.StatusOK {
		t.Errorf("to the phone the API answers %d, %v", status, err)
	}
	laptop.run(t, chromedp.Navigate(p.issuer))
	if text := laptop.text(t); !strings.Contains(text, "This device was logged out.") || !strings.Contains(text, "Log in") || strings.Contains(text, "Quillwood") {
		t.Errorf("the laptop shows %q", text)
	}
	laptop.shoot(t, "logged-out")
}

// refuses waits until the API refuses a token of an ended session, which takes a moment.
func (p *processes) refuses(t *testing.T, api, token string) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		status, _, err := p.me(api, token)
		if err != nil {
			t.Fatal(err)
		}
		if status == http.StatusUnauthorized {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("the API still answers %d", status)
		}
	}
}

// chromium returns the program, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	if os.Getenv("SEALJWT_BROWSER") == "require" {
		t.Fatal("no Chromium is installed")
	}
	t.Skip("no Chromium is installed")
	return ""
}

// browser has a profile of its own, with its own cookies.
type browser struct{ ctx context.Context }

func newBrowser(t *testing.T, program string) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // a sandbox needs a user other than root, and every page comes from this test
		chromedp.WindowSize(760, 540), chromedp.Flag("disable-dev-shm-usage", true))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &browser{ctx}
	b.run(t, chromedp.Navigate("about:blank"))
	b.ctx, stop = context.WithTimeout(ctx, 2*time.Minute) // an earlier timeout would end the browser
	t.Cleanup(stop)
	return b
}

func (b *browser) run(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ask(t, b, chromedp.Steps(steps...))
}

// ask returns the value of a step.
func ask[T any](t *testing.T, b *browser, step chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, step)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (b *browser) logIn(t *testing.T, issuer, device string) {
	t.Helper()
	b.run(t, chromedp.Navigate(issuer),
		chromedp.SendKeys(chromedp.CSS("input[name=username]"), "ada"),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), "lovelace"),
		chromedp.SendKeys(chromedp.CSS("input[name=device]"), device),
		chromedp.Click(chromedp.CSS("button")),
		chromedp.WaitVisible(chromedp.CSS("li")))
}

// devices returns the lines of the list.
func (b *browser) devices(t *testing.T) []string {
	t.Helper()
	return ask(t, b, chromedp.Evaluate[[]string](`[...document.querySelectorAll("li")].map(li => li.innerText)`))
}

func (b *browser) text(t *testing.T) string {
	t.Helper()
	return ask(t, b, chromedp.Text(chromedp.CSS("main")))
}

func (b *browser) token(t *testing.T) string {
	t.Helper()
	return ask(t, b, chromedp.Evaluate[string](`document.getElementById("token").textContent`))
}

// shoot stores a screenshot in the folder of SEALJWT_SHOTS. The README shows one.
func (b *browser) shoot(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv("SEALJWT_SHOTS")
	if folder == "" {
		return
	}
	picture := ask(t, b, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
