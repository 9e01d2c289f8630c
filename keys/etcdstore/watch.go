package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// proofInterval is the time between two proofs that a watch works. With the round trip they come
	// at least every two seconds, as keyring.Watcher wants. More of them would cost the cluster a
	// read each, and save no process anything.
	proofInterval = 1800 * time.Millisecond
	// maxSilence is the time without a proof after which a watch ends.
	maxSilence = 4 * time.Second
)

var (
	errSilent   = errors.New("etcdstore: the watch has been silent, or its server is cut off from the others")
	errRestored = errors.New("etcdstore: the revisions of the cluster have gone back: it was restored")
)

// Watch watches the key. Every two seconds it proves that the watch works: it reads the revision
// of the cluster, which takes a majority, and then asks the server of the watch for its progress.
// So each process that watches costs the cluster one linearizable read in two seconds. A
// server that has reached that revision has sent every change before it. An answer of the server
// alone would prove nothing, since a server that is cut off from the majority goes on answering.
//
// Watch returns the error of ctx, an error four seconds after the last proof, an error when the
// cluster was restored from a snapshot, the error of the client, for example when the revision to
// resume from was compacted, and [keyring.ErrConfig] for a nil or zero Store.
func (s *Store) Watch(ctx context.Context, sign func(changed bool)) error {
	if err := s.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	p := prover{store: s, revisions: make(chan int64)}
	var proving sync.WaitGroup
	defer proving.Wait()
	defer cancel()

	answers := s.client.Watch(ctx, s.key, clientv3.WithCreatedNotify())
	proving.Go(func() { p.run(ctx) })
	silence := time.NewTimer(maxSilence)
	defer silence.Stop()
	wanted := int64(0) // the revision that proves that the watch works; 0 if no proof is awaited
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-silence.C:
			return errSilent
		case wanted = <-p.revisions:
			if wanted == wentBack {
				return errRestored
			}
		case answer, ok := <-answers:
			switch err := answer.Err(); {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				return fmt.Errorf("etcdstore: the ring cannot be watched: %w", err)
			case !ok:
				return errSilent
			}
			if len(answer.Events) > 0 {
				sign(true)
			}
			p.reached.Store(answer.Header.Revision)
			// Only an answer that comes after wanted was read from the cluster proves anything.
			if wanted > 0 && answer.Header.Revision >= wanted {
				wanted = 0
				silence.Reset(maxSilence)
				sign(false)
			}
		}
	}
}

// wentBack stands for a revision of the cluster that is lower than the one that the watch has
// reached: the cluster was restored.
const wentBack = -1

// prover asks for proofs of a watch.
type prover struct {
	store     *Store
	revisions chan int64   // the revisions of the cluster, for Watch
	reached   atomic.Int64 // the revision of the last answer of the watch
}

// run sends the revision of the cluster, and asks for the progress of the watches, until ctx is
// done. After an error it asks again sooner, so that one error does not end the watch by maxSilence.
func (p *prover) run(ctx context.Context) {
	for ctx.Err() == nil {
		pause := proofInterval
		if within(ctx, maxSilence/4, p.ask) != nil {
			pause /= 4
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (p *prover) ask(ctx context.Context) error {
	reached := p.reached.Load()
	answer, err := p.store.client.Get(ctx, p.store.key, clientv3.WithCountOnly())
	if err != nil {
		return err
	}
	revision := answer.Header.Revision
	if revision < reached {
		revision = wentBack
	}
	select {
	case p.revisions <- revision:
	case <-ctx.Done():
	}
	return p.store.client.RequestProgress(ctx)
}
