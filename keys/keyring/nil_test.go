package keyring

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/sealjwt/sealjwt/keys"
)

// A configuration without a required field fails in the constructor, so that not the first request
// has to fail.
func TestNilArguments(t *testing.T) {
	var (
		nilStore  *testStore
		nilKEK    *rawKEK
		nilMemory *testMemory
	)
	for name, cfg := range map[string]Config{
		"nothing":          {},
		"no KEK":           {Store: NewMemStore()},
		"typed nil KEK":    {Store: NewMemStore(), KEK: nilKEK},
		"no store":         {KEK: rawKey(t)},
		"typed nil store":  {KEK: rawKey(t), Store: nilStore},
		"typed nil memory": {KEK: rawKey(t), Store: NewMemStore(), Memory: nilMemory},
	} {
		_, created := Create(t.Context(), cfg)
		_, opened := Open(t.Context(), cfg)
		_, either := OpenOrCreate(t.Context(), cfg)
		for _, err := range []error{created, opened, either} {
			if !errors.Is(err, ErrConfig) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}

	ring := newRing(t, NewMemStore(), newClock().now)
	before := ring.Checkpoint()
	for name, kek := range map[string]KEK{"nil": nil, "typed nil": nilKEK} {
		for _, err := range []error{
			ring.AddKEK(t.Context(), kek), ring.Rewrap(t.Context(), kek), ring.Rewrap(t.Context(), rawKey(t), kek),
		} {
			if !errors.Is(err, ErrKEK) {
				t.Errorf("%s KEK: %v", name, err)
			}
		}
	}
	wantError(t, ring.Rewrap(t.Context()), ErrState)
	wantError(t, ring.UpdatePolicy(t.Context(), nil), ErrConfig)
	_, err := ring.Import(t.Context(), nil, keys.Hint{}, Staged)
	wantError(t, err, keys.ErrMalformed)
	_, err = ring.ImportInsecurely(t.Context(), nil, keys.Hint{})
	wantError(t, err, keys.ErrMalformed)
	if ring.Checkpoint() != before {
		t.Error("the ring was written")
	}
}

// A Ring that no constructor made returns an error from every method that can return one. No method
// panics.
func TestUnopenedRing(t *testing.T) {
	for name, r := range map[string]*Ring{"nil": nil, "zero": new(Ring)} {
		v := reflect.ValueOf(r)
		for i := range v.NumMethod() {
			method := v.Type().Method(i).Name
			if method == "Format" { // fmt calls it
				continue
			}
			results := callWithZeros(t, v.Method(i))
			canFail := method != "Checkpoint" && method != "LogValue" && method != "MarshalJSON"
			if canFail && results[len(results)-1].IsNil() {
				t.Errorf("%s of a %s Ring returns no error", method, name)
			}
		}
		_, err := r.PrivateKeys(t.Context())
		wantError(t, err, ErrConfig)
		wantError(t, r.Run(t.Context(), nil), ErrConfig)
		wantError(t, r.AddKEK(t.Context(), rawKey(t)), ErrConfig)
		if text := r.LogValue().String(); text != redacted {
			t.Errorf("a %s Ring is logged as %s", name, text)
		}
	}
}

// callWithZeros calls a method with a context and zero values.
func callWithZeros(t *testing.T, method reflect.Value) []reflect.Value {
	var in []reflect.Value
	for i := range method.Type().NumIn() {
		typ := method.Type().In(i)
		switch {
		case typ == reflect.TypeFor[context.Context]():
			in = append(in, reflect.ValueOf(t.Context()))
		case method.Type().IsVariadic() && i == method.Type().NumIn()-1: // given none
		default:
			in = append(in, reflect.Zero(typ))
		}
	}
	return method.Call(in)
}
