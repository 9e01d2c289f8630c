package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// proofInterval is between two proofs that a watch works.
	proofInterval = time.Second
	// maxSilence ends a watch that has not been proven for so long.
	maxSilence = 4 * time.Second
)

var errSilent = errors.New("etcdstore: the watch has been silent, or its server is cut off from the others")

// Watch watches the key. Every second it proves that the watch works: it reads the revision of
// the cluster, which takes a majority, and asks the server of the watch for its progress. A
// server that has reached that revision has sent every change before it. An answer of the server
// alone would prove nothing, since a server that is cut off from the majority goes on answering.
//
// Watch returns the error of ctx, an error four seconds after the last proof, and the error of
// the client, for example when the revision to resume from was compacted.
func (s *Store) Watch(ctx context.Context, sign func(changed bool)) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	var prover sync.WaitGroup
	defer prover.Wait()
	defer cancel()

	answers := s.client.Watch(ctx, s.key, clientv3.WithCreatedNotify())
	revisions := make(chan int64)
	prover.Go(func() { s.prove(ctx, revisions) })

	silence := time.NewTimer(maxSilence)
	defer silence.Stop()
	created := false
	var reached, wanted int64 // revisions: of the watch, and of the cluster before
	for {
		proven := false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-silence.C:
			return errSilent
		case wanted = <-revisions:
		case answer, ok := <-answers:
			switch err := answer.Err(); {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				return fmt.Errorf("etcdstore: the ring cannot be watched: %w", err)
			case !ok:
				return errSilent
			}
			created = true
			reached = max(reached, answer.Header.Revision)
			if len(answer.Events) > 0 {
				sign(true)
			}
		}
		if proven = created && wanted > 0 && reached >= wanted; proven {
			wanted = 0
			silence.Reset(maxSilence)
			sign(false)
		}
	}
}

// prove sends the revision of the cluster, and asks for the progress of the watches, until ctx
// is done. An error is one proof less.
func (s *Store) prove(ctx context.Context, revisions chan<- int64) {
	for ctx.Err() == nil {
		within(ctx, maxSilence/2, func(ctx context.Context) error {
			answer, err := s.client.Get(ctx, s.key, clientv3.WithCountOnly())
			if err != nil {
				return err
			}
			select {
			case revisions <- answer.Header.Revision:
			case <-ctx.Done():
			}
			return s.client.RequestProgress(ctx)
		})
		select {
		case <-ctx.Done():
		case <-time.After(proofInterval):
		}
	}
}
