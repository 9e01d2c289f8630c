package sessions

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

const (
	maxAnswer   = 64 << 20 // bytes of an answer that is not a stream; a million entries take half
	answerLimit = 2 * time.Minute
	maxRetry    = 30 * time.Second // the longest Retry-After of a feed that is obeyed
	frameLimit  = time.Minute      // for one frame of a stream, on a slow line
)

// connection is one request and its answer.
type connection struct {
	after  Cursor
	stream bool // the request asks for a stream

	isStream bool          // the answer is a stream
	retry    time.Duration // the Retry-After of the answer, at most maxRetry
	err      error
}

// read makes the request and sends each frame of the answer to lines, until the answer ends or ctx
// is done. It ends a connection that brought nothing for three heartbeats, because a peer that
// lost power does not close it. It also ends one on which only a proxy sends bytes and no frames
// come, because the hub behind the proxy may be gone.
func (c *connection) read(ctx context.Context, r *Remote, lines chan<- []byte) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alive := time.AfterFunc(silenceEnd, func() { cancel(errSilent) })
	defer alive.Stop()
	res, err := r.client.Do(c.request(ctx, r))
	if err != nil {
		return unreachable(ctx, err)
	}
	defer res.Body.Close()
	if err := c.judge(res); err != nil {
		return err
	}
	body, longest := io.Reader(res.Body), frameLimit
	if !c.isStream {
		body, longest = io.LimitReader(body, maxAnswer), answerLimit
	}
	limit := time.AfterFunc(longest, func() { cancel(errSilent) })
	defer limit.Stop()
	in := bufio.NewScanner(aliveReader{body, func() { alive.Reset(silenceEnd) }})
	in.Buffer(make([]byte, 0, 4<<10), maxFrame+16)
	for in.Scan() {
		line := in.Bytes()
		if c.isStream {
			var ok bool
			if line, ok = bytes.CutPrefix(line, []byte("data:")); !ok {
				continue
			}
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if c.isStream {
			limit.Reset(frameLimit)
		}
		select {
		case lines <- bytes.Clone(line):
			alive.Reset(silenceEnd)
		case <-ctx.Done():
			return unreachable(ctx, ctx.Err())
		}
	}
	if err := in.Err(); err != nil {
		return unreachable(ctx, err)
	}
	return nil
}

// request returns a request for the entries after the cursor.
func (c *connection) request(ctx context.Context, r *Remote) *http.Request {
	u := *r.url
	if c.after != (Cursor{}) {
		q := u.Query()
		q.Set("after", cursorText(c.after))
		u.RawQuery = q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		req = (&http.Request{Method: http.MethodGet, URL: &u, Header: make(http.Header)}).WithContext(ctx)
	}
	req.Header.Set("User-Agent", "sealjwt")
	req.Header.Set("Accept-Encoding", "identity")
	if req.Header.Set("Accept", framesType); c.stream {
		req.Header.Set("Accept", streamType)
	}
	return req
}

// judge returns an error unless the answer has the status 200 and a type that the feed has, and is
// not compressed. It sets isStream and retry.
func (c *connection) judge(res *http.Response) error {
	if res.StatusCode != http.StatusOK {
		if secs, err := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 31); err == nil {
			c.retry = min(time.Duration(secs)*time.Second, maxRetry)
		}
		return fmt.Errorf("%w: the answer is %d", ErrUnreachable, res.StatusCode)
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch c.isStream = kind == streamType && c.stream; {
	case !c.isStream && kind != framesType:
		return fmt.Errorf("%w: the answer is not a feed: its Content-Type is another one", ErrUnreachable)
	case res.Header.Get("Content-Encoding") != "":
		return fmt.Errorf("%w: the answer is compressed, though that was not asked for", ErrUnreachable)
	}
	return nil
}

// aliveReader calls tell whenever bytes come. On a slow line a long frame takes more than three
// heartbeats, and the connection must not count as silent meanwhile.
type aliveReader struct {
	io.Reader
	tell func()
}

func (a aliveReader) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 {
		a.tell()
	}
	return n, err
}

// unreachable returns an ErrUnreachable that tells why an answer did not come or broke off. It does
// not wrap errors of net/http: their texts have the URL with its query, which may be a secret, and
// lines that the server sent.
func unreachable(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errSilent):
		return fmt.Errorf("%w: %w", ErrUnreachable, errSilent)
	case cause != nil:
		return fmt.Errorf("%w: %w", ErrUnreachable, cause)
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("%w: a line is longer than a frame may be", ErrUnreachable)
	}
	return fmt.Errorf("%w: the connection failed or broke", ErrUnreachable)
}
