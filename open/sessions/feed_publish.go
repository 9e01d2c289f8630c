package sessions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// edition holds the signed frames that every stream sends when the feed publishes. Each edition
// points to the next one, so a stream needs only a pointer, and no queue of its own.
type edition struct {
	frames [][]byte
	date   time.Time // of the frames
	number int
	done   chan struct{} // closed when next is set
	next   *edition
}

func newEdition(frames [][]byte, date time.Time) *edition {
	return &edition{frames: frames, date: date, done: make(chan struct{})}
}

var errNotReady = errors.New("sessions: the feed has not read its store yet")

// publish makes the next edition, if there are new entries or a heartbeat is due, and reports
// whether it did.
func (f *Feed) publish(ctx context.Context) (bool, error) {
	f.mu.Lock()
	h := &f.history
	news := h.cursor != h.sent
	if f.date.IsZero() || !news && f.isRecent() {
		f.mu.Unlock()
		return false, nil
	}
	frames, date, to, rows := h.frames(h.sent, f.date), f.date, h.cursor, len(h.rows)
	f.mu.Unlock()
	texts, err := f.sign(ctx, frames)
	if err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e := newEdition(texts, date)
	e.number = f.head.number + 1
	f.head.next = e
	close(f.head.done)
	f.head = e
	f.beat = f.now()
	h.sent, h.sentRows = to, rows
	f.answers.drop(f.date)
	return true, nil
}

// isRecent reports whether the last edition is younger than a heartbeat.
func (f *Feed) isRecent() bool {
	age := f.now().Sub(f.beat)
	return age >= 0 && age < heartbeat
}

// sign signs frames with the key that signs tokens.
func (f *Feed) sign(ctx context.Context, frames []frame) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	set, err := f.cfg.Signing.PrivateKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("sessions: the signing keys: %w", err)
	}
	k, err := set.SigningKey()
	if err != nil {
		return nil, fmt.Errorf("sessions: the signing keys: %w", err)
	}
	texts := make([][]byte, len(frames))
	for i := range frames {
		frames[i].issuer, frames[i].lifetime, frames[i].leeway = f.issuer, f.lifetime, f.leeway
		if texts[i], err = frames[i].sign(ctx, k); err != nil {
			return nil, err
		}
		texts[i] = bytes.Clone(texts[i]) // without the room behind it, since many streams may hold it
	}
	return texts, nil
}

// answer holds the frames with which a request is answered. A stream goes on with editions.
type answer struct {
	made   chan struct{} // closed when the fields below are set
	frames [][]byte
	size   int
	err    error

	to   Cursor
	date time.Time
	head *edition // the last edition in the answer; a stream goes on with the next one
}

// answers keeps each answer for a second, for other requests with the same cursor: after a restart
// of a hub, thousands of verifiers send the same request. The key is the cursor of the request.
type answers map[Cursor]*answer

const (
	answerAge  = time.Second
	mostAnswer = 256
)

// drop forgets old answers. An answer refers to its edition and so keeps all later editions in
// memory.
func (a answers) drop(date time.Time) {
	for c, one := range a {
		if date.Sub(one.date) >= answerAge || date.Before(one.date) {
			delete(a, c)
		}
	}
}

// answer returns the answer for a reader at a cursor: the frames with the entries that the reader
// lacks, or with the whole list if the cursor is not near the end.
func (f *Feed) answer(ctx context.Context, after Cursor) (*answer, error) {
	f.mu.Lock()
	if !f.running || f.date.IsZero() {
		f.mu.Unlock()
		return nil, errNotReady
	}
	if !f.history.isNear(after) {
		after = Cursor{}
	}
	f.answers.drop(f.date)
	a, has := f.answers[after]
	if has && (a.to == f.history.cursor || after == Cursor{}) {
		f.mu.Unlock()
		select {
		case <-a.made:
			return a, a.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	a = &answer{made: make(chan struct{}), to: f.history.cursor, date: f.date, head: f.head}
	if len(f.answers) >= mostAnswer { // keep only the whole list, which costs most to make again
		maps.DeleteFunc(f.answers, func(c Cursor, _ *answer) bool { return c != Cursor{} })
	}
	f.answers[after] = a
	frames := f.history.frames(after, f.date)
	f.mu.Unlock()
	defer close(a.made)
	if a.frames, a.err = f.sign(ctx, frames); a.err != nil {
		f.mu.Lock()
		delete(f.answers, after)
		f.mu.Unlock()
	}
	for _, text := range a.frames {
		a.size += len(text)
	}
	return a, a.err
}
