package etcdstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sealjwt/sealjwt/keys/keyring"
)

// outcome finds out whether a write with a lost answer was made, after the key was found to have
// another version than prev. Such a write cannot be made any more: either its document is among the
// values of the key since prev, or it was never made. etcd has those values until a compaction. kv
// is the newest of them.
func (s *Store) outcome(ctx context.Context, kv *mvccpb.KeyValue, prev string, doc []byte) (v string, err error) {
	for range maxSteps {
		switch {
		case err != nil || kv == nil: // compacted, or deleted meanwhile
			return "", fmt.Errorf("%w: the key has changed since, and its history does not tell: %w", keyring.ErrUnknownOutcome, errors.Join(errLost, err))
		case bytes.Equal(kv.Value, doc):
			return version(kv), nil
		case version(kv) == prev:
			return "", keyring.ErrConflict
		}
		kv, err = s.get(ctx, clientv3.WithRev(kv.ModRevision-1))
	}
	return "", fmt.Errorf("%w: %w, and the key has changed often since", keyring.ErrUnknownOutcome, errLost)
}

// afterNoSpace finds out whether a write succeeded that etcd answered with "no space". etcd
// gives that answer to the write that exceeds its quota, which it makes, and to all later
// writes, which it refuses.
func (s *Store) afterNoSpace(ctx context.Context, prev string, doc []byte, full error) (string, error) {
	kv, err := s.get(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", errLost, err)
	case kv != nil && version(kv) != prev && bytes.Equal(kv.Value, doc):
		return version(kv), nil
	case kv == nil && prev == "", kv != nil && version(kv) == prev:
		return "", fmt.Errorf("etcdstore: etcd is full: compact and defragment it, then disarm its alarm: %w", full)
	}
	return "", fmt.Errorf("%w: %w", errLost, full)
}

// refusal returns the error to report for a transaction that failed. If the client or the server
// refused the request as too large, not allowed or invalid, nothing was written. Every other error
// leaves open whether the transaction was executed, and becomes an errLost.
func refusal(err error, size int) error {
	if errors.Is(err, rpctypes.ErrRequestTooLarge) || status.Code(err) == codes.ResourceExhausted {
		return fmt.Errorf("%w (it has %d bytes): %w", ErrTooLarge, size, err)
	}
	code := status.Code(err)
	if e, ok := errors.AsType[rpctypes.EtcdError](err); ok {
		code = e.Code()
	}
	switch code {
	case codes.PermissionDenied, codes.Unauthenticated, codes.InvalidArgument:
		return fmt.Errorf("etcdstore: etcd refuses to write the ring: %w", err)
	}
	return fmt.Errorf("%w: %w", errLost, err)
}
