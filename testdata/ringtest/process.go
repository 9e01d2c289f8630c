package ringtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// served is the age up to which a process must accept a token. A token lives longer. A later
// refusal proves nothing, because a busy machine may deliver the token late.
const served = 400 * time.Millisecond

// process is one of the processes. It reads commands from its input and reports events in lines.
type process struct {
	party
	mu     sync.Mutex
	opened int
}

func (p *process) say(words ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Println(words...)
}

// serve opens the ring, lets it rotate, and obeys the commands until its input ends.
func serve(open Opener, place string) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	store, err := open(place)
	if err != nil {
		return err
	}
	kek, err := kekOf(os.Getenv(envKEK))
	if err != nil {
		return err
	}
	ring, err := keyring.Open(ctx, config(store, kek, os.Getenv(envName), os.Getenv(envMemory)))
	if err != nil {
		return failure(err)
	}
	p := new(process)
	if p.party, err = newParty(ctx, ring); err != nil {
		return err
	}
	go ring.Run(ctx, func(step keyring.Step, err error) {
		if err != nil {
			p.say("error", err)
			return
		}
		p.say("step", step.Action, step.KeyID)
	})
	p.say("ready")
	if every, err := time.ParseDuration(os.Getenv(envSeal)); err == nil {
		go p.sealEvery(ctx, every)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if err := p.do(ctx, words[0], words[1:]); err != nil {
			p.say("error", err)
		}
	}
	return lines.Err()
}

// failure returns the text of an error. If the ring was set back the text begins with rollback.
func failure(err error) error {
	if errors.Is(err, keyring.ErrRollback) {
		return fmt.Errorf("rollback %w", err)
	}
	return err
}

func (p *process) sealEvery(ctx context.Context, every time.Duration) {
	for range time.Tick(every) {
		now := time.Now()
		token, err := p.seal(ctx)
		if err != nil {
			p.say("unsealed", err)
			continue
		}
		p.say("token", now.UnixNano(), token)
	}
}

func (p *process) do(ctx context.Context, command string, args []string) error {
	switch command {
	case "open": // a token, and when it was sealed
		sealed, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return err
		}
		_, err = p.opener.Open(ctx, args[1])
		switch age := time.Since(time.Unix(0, sealed)); {
		case err == nil:
			if p.opened++; p.opened%10 == 0 {
				p.say("opened", 10)
			}
		case age > served:
			p.say("late", age, err)
		default:
			p.say("refused", age, err)
		}
	case "watch": // a token that is good now
		go p.watch(ctx, args[0])
	case "revoke": // a kid
		_, err := p.ring.Revoke(ctx, keyring.Revocation{KeyID: args[0], Reason: "compromised"})
		if err != nil {
			return err
		}
		p.say("revoked", time.Now().UnixNano())
	case "look": // at the store, now
		_, err := p.ring.Keys(ctx)
		if err != nil {
			p.say("looked", failure(err))
			return nil
		}
		p.say("looked", "ok")
	}
	return nil
}

// watch reports when a token is first accepted, and when it is no longer accepted.
func (p *process) watch(ctx context.Context, token string) {
	for taken := false; ; time.Sleep(5 * time.Millisecond) {
		_, err := p.opener.Open(ctx, token)
		if err == nil && !taken {
			taken = true
			p.say("watching")
		}
		if err != nil && taken {
			p.say("gone", time.Now().UnixNano(), err)
			return
		}
	}
}
