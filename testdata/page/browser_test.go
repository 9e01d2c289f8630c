package page

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium returns the program, or an empty text if none is installed.
func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	return ""
}

// browser has one tab, and records its requests and its complaints.
type browser struct {
	ctx context.Context

	mu         sync.Mutex
	requests   []string
	complaints []string
}

// chrome returns one Chromium for all tests, and a function that ends it.
var chrome = sync.OnceValues(func() (ctx context.Context, end func()) {
	profile, err := os.MkdirTemp("", "sealjwt-page-")
	if err != nil {
		panic(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.UserDataDir(profile),
		chromedp.NoSandbox, // a sandbox needs a user other than root, and every page comes from these tests
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("host-resolver-rules", "MAP "+rebound+" 127.0.0.1"))
	if program := chromium(); program != "" {
		options = append(options, chromedp.ExecPath(program))
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, quit := chromedp.NewContext(ctx)
	return ctx, func() {
		quit()
		stop()
		os.RemoveAll(profile)
	}
})

// newBrowser returns a tab with a profile of its own, like a private window.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	if chromium() == "" {
		if os.Getenv("SEALJWT_BROWSER") == "require" {
			t.Fatal("no Chromium is installed")
		}
		t.Skip("no Chromium is installed")
	}
	parent, _ := chrome()
	if err := chromedp.Do(parent); err != nil { // this starts the browser
		t.Fatal(err)
	}
	ctx, stop := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	b := &browser{ctx: ctx}
	b.run(t, chromedp.Navigate("about:blank"))
	b.ctx, stop = context.WithTimeout(ctx, 4*time.Minute) // an earlier timeout would end the browser
	t.Cleanup(stop)
	if err := chromedp.Listen(b.ctx, b.record); err != nil {
		t.Fatal(err)
	}
	for _, enable := range []chromedp.Action[chromedp.Void]{call(network.Enable, network.EnableParams{}), call(log.Enable, cdp.Empty{})} {
		b.run(t, enable)
	}
	return b
}

// call returns a command of the protocol as a step.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, command, params)
		return chromedp.Void{}, err
	}
}

func (b *browser) record(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.Method+" "+e.Request.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.complaints = append(b.complaints, "console."+string(e.Type))
	}
}

// clean fails the test if the tab complained, or sent a request outside of the addresses.
func (b *browser) clean(t *testing.T, addresses ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) > 0 {
		t.Errorf("the console says %q", b.complaints)
	}
	if len(b.requests) == 0 {
		t.Error("no request was recorded")
	}
	for _, request := range b.requests {
		_, url, _ := strings.Cut(request, " ")
		own := false
		for _, address := range addresses {
			own = own || strings.HasPrefix(url, address)
		}
		if !own {
			t.Errorf("the tab asked for %s", request)
		}
	}
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

// paste replaces the text in the token's field, as a keyboard or a clipboard does.
func (b *browser) paste(t *testing.T, text string) {
	t.Helper()
	b.run(t, chromedp.Focus(chromedp.CSS("#token")))
	ask(t, b, chromedp.Evaluate[bool](`document.getElementById("token").select() ?? true`))
	b.run(t, call(input.InsertText, input.InsertTextParams{Text: text}))
}

// waitFor waits until the text of an element contains text.
func (b *browser) waitFor(t *testing.T, selector, text string) {
	t.Helper()
	step := chromedp.Poll[chromedp.Void](`(document.querySelector("`+selector+`")?.textContent ?? "").includes("`+text+`")`, chromedp.WithPollingTimeout(20*time.Second))
	if _, err := chromedp.Run(b.ctx, step); err != nil {
		t.Fatalf("%s never says %q, but %q: %v", selector, text, b.text(t, selector), err)
	}
}

// text returns the text of an element, as a reader sees it.
func (b *browser) text(t *testing.T, selector string) string {
	t.Helper()
	return ask(t, b, chromedp.Evaluate[string](`document.querySelector("`+selector+`").innerText`))
}

// look sets the width of the tab and the colours that the user prefers.
func (b *browser) look(t *testing.T, width int64, scheme string) {
	t.Helper()
	b.run(t, chromedp.EmulateViewport(width, 900),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}))
}

// paper shows the tab as it is printed on a sheet of A4, for a user who prefers dark colours.
func (b *browser) paper(t *testing.T) {
	t.Helper()
	b.run(t, chromedp.EmulateViewport(718, 1000),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}))
}

// shoot stores a screenshot in the folder of SEALJWT_SHOTS. The README shows one.
func (b *browser) shoot(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv("SEALJWT_SHOTS")
	if folder == "" {
		return
	}
	picture := ask(t, b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}
