package stores

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open/sessions"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// dial connects to the hub.
func (h *hubProcess) dial(ctx context.Context) (*client, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", h.addr)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { c.Close() })
	return &client{c, bufio.NewReader(c), c}, nil
}

// remote starts a verifier that follows the hub.
func (h *hubProcess) remote(t *testing.T) *sessions.Remote {
	r := need(sessions.NewRemote(sessions.RemoteConfig{URL: "http://" + h.addr + "/revoked", Issuer: testIssuer, Keys: h.keys}))
	background(t, func(ctx context.Context) { r.Run(ctx, nil) })
	return r
}

// published returns the date of a frame, at which the hub read the store, and the number of its
// entries.
func published(text string) (date time.Time, entries int, err error) {
	parts := strings.Split(text, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	var f struct {
		IAT, MS int64
		IDs     map[string]string
	}
	if err == nil {
		err = json.Unmarshal(payload, &f)
	}
	for _, ids := range f.IDs {
		entries += base64.RawURLEncoding.DecodedLen(len(ids)) / len(sessions.Entry{})
	}
	return time.Unix(f.IAT, f.MS*1e6), entries, err
}

// One hub carries many streams. Each stream has every revocation.
func TestFanOut(t *testing.T) {
	streams, logouts := rounds(2500, 100), rounds(200, 20)
	needFiles(t, uint64(streams))
	h := startHub(t, 0)
	empty, _ := h.memory(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var (
		frames sync.Map // text of a frame to its contents
		open   atomic.Int32
		all    = make([]times, streams)
		errs   = make([]error, streams)
		wg     sync.WaitGroup
	)
	type known struct {
		date    time.Time
		entries int
	}
	for i := range all {
		wg.Go(func() {
			errs[i] = func() error {
				c, err := h.dial(ctx)
				if err != nil {
					return err
				}
				res, err := c.get("", "text/event-stream")
				if err != nil {
					return err
				}
				in := bufio.NewReaderSize(res.Body, 1024)
				for got, first := 0, true; got < logouts; first = false {
					text, err := event(in)
					if err != nil {
						return err
					}
					at := time.Now()
					v, has := frames.Load(text)
					if !has {
						date, n, err := published(text)
						if err != nil {
							return err
						}
						v, _ = frames.LoadOrStore(text, known{date, n})
					}
					if first {
						open.Add(1)
					}
					if f := v.(known); f.entries > 0 {
						got += f.entries
						all[i] = append(all[i], at.Sub(f.date))
					}
				}
				return nil
			}()
		})
	}
	eventually(t, "a stream is not open", time.Minute, func() bool { return int(open.Load()) == streams })
	full, _ := h.memory(t)
	r := h.remote(t)
	machine := ownDelay(t)
	hubUsed, weUsed := processor(t, h.pid), processor(t, os.Getpid())
	for range logouts {
		h.revoke(t, 1)
		time.Sleep(100 * time.Millisecond)
	}
	end := time.AfterFunc(20*time.Second, cancel)
	wg.Wait()
	end.Stop()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("a stream did not get every revocation: %v", err)
	}
	eventually(t, "a verifier lacks a revocation", 10*time.Second, func() bool { return r.Status().Entries == logouts })
	var late times
	for _, one := range all {
		late = append(late, one...)
	}
	deliveries := time.Duration(len(late))
	hubUsed, weUsed = (processor(t, h.pid)-hubUsed)/deliveries, (processor(t, os.Getpid())-weUsed)/deliveries
	t.Logf("a delivery takes %v of a processor in the hub and %v in the client: for all streams %v on two that are idle",
		hubUsed, weUsed, time.Duration(streams)*(hubUsed+weUsed)/2)
	busy, most := h.memory(t)
	each := (full - empty) / streams
	t.Logf("%d streams, %d revocations; from the read of the store to the client: %v", streams, logouts, late)
	t.Logf("the machine's own delay: %v; p99: %s", machine(), judged(late.at(0.99), 100*time.Millisecond))
	t.Logf("memory of the hub: %d kB before, %d kB with the streams, %d kB after the revocations, at most %d kB", empty>>10, full>>10, busy>>10, most>>10)
	t.Logf("a stream takes %d bytes, and %d after the revocations; the bound is %d", each, (busy-empty)/streams, 32<<10)
	if rounds(1, 0) == 1 && each > 32<<10 { // a few streams are not enough to measure this
		t.Errorf("a stream takes %d bytes of the hub", each)
	}
}
