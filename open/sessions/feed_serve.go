package sessions

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// framesType is the media type of frames, one in a line.
	framesType = "application/vnd.sealjwt.revoked"
	streamType = "text/event-stream"
)

// ServeHTTP answers with frames; see [Feed].
func (f *Feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.isMade() || r == nil || w == nil {
		if w != nil {
			fail(w, http.StatusInternalServerError)
		}
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, http.StatusMethodNotAllowed)
		return
	}
	if f.cfg.Authorize != nil && f.cfg.Authorize(r) != nil {
		fail(w, http.StatusForbidden)
		return
	}
	after, err := parseCursor(r.URL.Query().Get("after"))
	if err != nil {
		fail(w, http.StatusBadRequest)
		return
	}
	a, err := f.answer(r.Context(), after)
	if err != nil {
		// With Retry-After the verifiers do not all come again at once, to the same error.
		retryLater(w)
		return
	}
	if a.size > largeAnswer {
		select {
		case f.snapshots <- struct{}{}:
		default:
			retryLater(w)
			return
		}
	}
	release := func() {
		if a.size > largeAnswer {
			<-f.snapshots
		}
	}
	if wantsStream(r) {
		f.stream(w, r, a, release)
		return
	}
	defer release()
	f.serve(w, r, a)
}

func fail(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

// retryLater answers 503 with a random Retry-After, so that many clients do not come again at the
// same time.
func retryLater(w http.ResponseWriter) {
	w.Header().Set("Retry-After", strconv.Itoa(1+rand.IntN(4)))
	fail(w, http.StatusServiceUnavailable)
}

// wantsStream reports whether the request accepts a stream, RFC 9110 section 12.5.1.
func wantsStream(r *http.Request) bool {
	accept := strings.Split(strings.Join(r.Header.Values("Accept"), ","), ",")
	return r.Method == http.MethodGet && slices.ContainsFunc(accept, func(s string) bool {
		kind, _, _ := strings.Cut(s, ";")
		return strings.EqualFold(strings.TrimSpace(kind), streamType)
	})
}

// serve answers with frames, one in a line.
func (f *Feed) serve(w http.ResponseWriter, r *http.Request, a *answer) {
	header := w.Header()
	// The date is a part of the ETag. If the ETag were the cursor alone, a cache that asks whether
	// its copy is still good would keep the copy, whose frames would get too old while no session
	// ends.
	etag := fmt.Sprintf(`"%s.%d"`, cursorText(a.to), a.date.UnixMilli())
	header.Set("ETag", etag)
	header.Set("Vary", "Accept")
	if f.cfg.Public {
		header.Set("Cache-Control", "public, max-age=1")
	} else {
		header.Set("Cache-Control", "private, max-age=1") // a shared cache would answer without Authorize
	}
	if slices.ContainsFunc(strings.Split(strings.Join(r.Header.Values("If-None-Match"), ","), ","), func(s string) bool {
		return strings.TrimPrefix(strings.TrimSpace(s), "W/") == etag
	}) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Type", framesType)
	header.Set("Content-Length", strconv.Itoa(a.size+len(a.frames)))
	if r.Method == http.MethodHead {
		return
	}
	control := http.NewResponseController(w)
	for _, text := range a.frames {
		control.SetWriteDeadline(time.Now().Add(writeLimit))
		if _, err := w.Write(text); err != nil {
			return
		}
		w.Write(newLine)
	}
}

var newLine = []byte("\n")

// stream sends an answer and then every edition, as server-sent events, until the reader goes or is
// too slow, the stream is old, or Run returns.
func (f *Feed) stream(w http.ResponseWriter, r *http.Request, a *answer, release func()) {
	header := w.Header()
	header.Set("Content-Type", streamType)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would keep events until its buffer is full
	control := http.NewResponseController(w)
	f.mu.Lock()
	closed := f.closed
	f.mu.Unlock()
	err := sendEvents(w, control, a.frames)
	release()
	end := time.Now().Add(streamAge + time.Duration((rand.Float64()-0.5)*0.4*float64(streamAge)))
	e := a.head
	a = nil
	for err == nil {
		select {
		case <-e.done:
		case <-r.Context().Done():
			return
		case <-closed:
			return
		}
		e = e.next
		// The stream ends for a reader that is too far behind, so that no old editions stay in
		// memory for it. When the reader connects again, it gets the entries that it lacks, or the
		// whole list.
		if f.isTooFarBehind(e) || time.Now().After(end) {
			return
		}
		err = sendEvents(w, control, e.frames)
	}
}

func (f *Feed) isTooFarBehind(e *edition) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.head.number-e.number > maxBehind
}

// sendEvents sends frames as events, and then flushes the connection. If the connection cannot be
// flushed, it returns an error, because the events would wait in a buffer and not reach the reader.
func sendEvents(w http.ResponseWriter, control *http.ResponseController, frames [][]byte) error {
	for _, text := range frames {
		if err := control.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := w.Write(eventStart); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		if _, err := w.Write(eventEnd); err != nil {
			return err
		}
	}
	return control.Flush()
}

var (
	eventStart = []byte("data: ")
	eventEnd   = []byte("\n\n")
)
