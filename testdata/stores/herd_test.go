package stores

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

// All verifiers of a large fleet connect to one hub at once, as after its restart. Some of them
// load and verify the list. The others only read it to its end, because a machine with two
// processors cannot do the work of a thousand.
func TestHerd(t *testing.T) {
	n, verifiers, entries := rounds(10_000, 200), rounds(100, 10), rounds(20_000, 2000)
	needFiles(t, uint64(n))
	h := startHub(t, entries)
	idle, _ := h.memory(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var (
		start         = make(chan struct{})
		took          = make(times, n)
		errs          = make([]error, n)
		refused, read atomic.Int64
		wg            sync.WaitGroup
		from          time.Time
		remotes       []*sessions.Remote
	)
	for i := verifiers; i < n; i++ {
		wg.Go(func() {
			<-start
			errs[i] = h.follow(ctx, entries, &refused, &read)
			took[i] = time.Since(from)
		})
	}
	from = time.Now()
	close(start)
	for range verifiers {
		remotes = append(remotes, h.remote(t))
	}
	for i, r := range remotes {
		wg.Go(func() {
			for ; !r.Status().Streaming || r.Status().Entries < entries || r.Ready(ctx) != nil; time.Sleep(5 * time.Millisecond) {
				if ctx.Err() != nil {
					errs[i] = fmt.Errorf("a verifier is not ready: %+v", r.Status())
					return
				}
			}
			took[i] = time.Since(from)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("not all of %d have the list: %.2000s", n, err.Error())
	}
	now, most := h.memory(t)
	t.Logf("%d verifiers have %d entries: %v; %s", verifiers, entries, took[:verifiers], judged(took[:verifiers].at(1), 30*time.Second))
	t.Logf("%d clients have read %.1f GB to the end and follow: %v; %s; the hub told them %d times to come later",
		n-verifiers, float64(read.Load())/1e9, took[verifiers:], judged(took[verifiers:].at(1), 30*time.Second), refused.Load())
	t.Logf("memory of the hub: %d MB idle, %d MB with all, at most %d MB", idle>>20, now>>20, most>>20)
}

// follow reads the whole list, and opens a stream from there, which stays open. If the hub asks it
// to come later, it does so, like a Remote.
func (h *hubProcess) follow(ctx context.Context, entries int, refused, read *atomic.Int64) error {
	c, err := h.dial(ctx)
	if err != nil {
		return err
	}
	get := func(query, accept string) (*http.Response, error) {
		for {
			res, err := c.get(query, accept)
			if err != nil || res.StatusCode == http.StatusOK {
				return res, err
			}
			refused.Add(1)
			io.Copy(io.Discard, res.Body)
			secs, err := strconv.Atoi(res.Header.Get("Retry-After"))
			if err != nil || res.StatusCode != http.StatusServiceUnavailable {
				return nil, fmt.Errorf("the answer is %d", res.StatusCode)
			}
			select {
			case <-time.After(time.Duration(secs)*time.Second + time.Duration(rand.Int64N(int64(time.Second)))):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	res, err := get("", "application/vnd.sealjwt.revoked")
	if err != nil {
		return err
	}
	size, err := io.Copy(io.Discard, res.Body)
	read.Add(size)
	if err != nil || size < int64(entries)*21 {
		return fmt.Errorf("the list has %d bytes: %w", size, err)
	}
	etag := strings.Trim(res.Header.Get("ETag"), `"`)
	res, err = get("?after="+etag[:strings.LastIndexByte(etag, '.')], "text/event-stream")
	if err != nil {
		return err
	}
	_, err = event(bufio.NewReaderSize(res.Body, 1024))
	return err
}
