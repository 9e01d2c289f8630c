package keyring

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// rotBase is the time from which the tests of the rotation count.
var rotBase = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func rotAt(d time.Duration) time.Time { return rotBase.Add(d) }

const rotLongAgo = -365 * day

// The windows of the default policy, written out: they are a promise to those who
// cache our keys.
const (
	rotI1 = 25*time.Hour + 2*time.Minute
	rotI2 = 2*time.Hour + 3*time.Minute
	rotI3 = time.Hour + time.Minute
	rotI4 = 26*time.Hour + 4*time.Minute
)

func TestStepDefaultWindows(t *testing.T) {
	want := Windows{SignAhead: rotI1, SignKept: rotI2, EncAhead: rotI3, EncKept: rotI4}
	if got := DefaultPolicy().Windows(); got != want {
		t.Errorf("windows %+v, want %+v", got, want)
	}
}

// rotRecord is a key without material, which is all that a decision needs.
func rotRecord(kid string, u keys.Use, s State, change func(*record)) record {
	r := record{ID: kid, Use: u, State: s, Created: rotAt(rotLongAgo), Windows: newPolicyDocument(DefaultPolicy()).windowDocument}
	switch s {
	case Active:
		r.Activated = rotAt(rotLongAgo)
	case Retired:
		r.Retired = rotAt(0)
	case Destroyed, Revoked:
		r.Ended = rotAt(0)
	}
	if change != nil {
		change(&r)
	}
	return r
}

func rotDocument(records ...record) *document {
	return &document{Version: documentVersion, Policy: newPolicyDocument(DefaultPolicy()), Keys: records}
}

func rotCreated(d time.Duration) func(*record)   { return func(r *record) { r.Created = rotAt(d) } }
func rotActivated(d time.Duration) func(*record) { return func(r *record) { r.Activated = rotAt(d) } }
func rotDue(d time.Duration) func(*record)       { return func(r *record) { r.Due = rotAt(d) } }

// Each step is due exactly at its time and not a nanosecond before.
func TestStepTable(t *testing.T) {
	small := newPolicyDocument(Policy{
		TokenLifetime: time.Minute, Leeway: time.Second, ClockSkew: time.Second, CacheAge: 10 * time.Minute,
		PublishLag: time.Second, SnapshotAge: time.Minute,
	}.withDefaults()).windowDocument
	type test struct {
		name    string
		records []record
		want    Step
	}
	tests := []test{
		{"an active key needs a successor", []record{
			rotRecord("a", keys.UseSig, Active, rotActivated(0)),
		}, Step{Action: Stage, Use: keys.UseSig, At: rotAt(0)}},
		{"so does a decryption key", []record{
			rotRecord("a", keys.UseEnc, Active, rotActivated(0)),
		}, Step{Action: Stage, Use: keys.UseEnc, At: rotAt(0)}},

		{"sig: the window decides", []record{
			rotRecord("a", keys.UseSig, Active, nil), rotRecord("s", keys.UseSig, Staged, rotCreated(0)),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", Retires: "a", At: rotAt(rotI1)}},
		{"sig: the period decides", []record{
			rotRecord("a", keys.UseSig, Active, rotActivated(0)), rotRecord("s", keys.UseSig, Staged, nil),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", Retires: "a", At: rotAt(30 * day)}},
		{"enc: the window decides", []record{
			rotRecord("a", keys.UseEnc, Active, nil), rotRecord("s", keys.UseEnc, Staged, rotCreated(0)),
		}, Step{Action: Activate, Use: keys.UseEnc, KeyID: "s", Retires: "a", At: rotAt(rotI3)}},
		{"enc: the period decides", []record{
			rotRecord("a", keys.UseEnc, Active, rotActivated(0)), rotRecord("s", keys.UseEnc, Staged, nil),
		}, Step{Action: Activate, Use: keys.UseEnc, KeyID: "s", Retires: "a", At: rotAt(90 * day)}},
		{"the first key of a use waits for its window", []record{
			rotRecord("s", keys.UseSig, Staged, rotCreated(0)),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", At: rotAt(rotI1)}},
		{"of several staged the oldest", []record{
			rotRecord("young", keys.UseSig, Staged, rotCreated(time.Hour)), rotRecord("old", keys.UseSig, Staged, rotCreated(0)),
			rotRecord("younger", keys.UseSig, Staged, rotCreated(2*time.Hour)), rotRecord("a", keys.UseSig, Active, nil),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "old", Retires: "a", At: rotAt(rotI1)}},
		{"a key goes by its own windows", []record{
			rotRecord("a", keys.UseEnc, Active, nil),
			rotRecord("s", keys.UseEnc, Staged, func(r *record) { r.Created, r.Windows = rotAt(0), small }),
		}, Step{Action: Activate, Use: keys.UseEnc, KeyID: "s", Retires: "a", At: rotAt(time.Minute + time.Second)}},

		{"sig: found due", []record{
			rotRecord("r", keys.UseSig, Retired, nil),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "r", At: rotAt(rotI2)}},
		{"enc: found due", []record{
			rotRecord("r", keys.UseEnc, Retired, nil),
		}, Step{Action: MarkDue, Use: keys.UseEnc, KeyID: "r", At: rotAt(rotI4)}},
		{"a revoked decryption key counts from its revocation", []record{
			rotRecord("r", keys.UseEnc, Revoked, func(r *record) { r.JWK = json.RawMessage("{}") }),
		}, Step{Action: MarkDue, Use: keys.UseEnc, KeyID: "r", At: rotAt(rotI4)}},
		{"one that had retired before, from then", []record{
			rotRecord("r", keys.UseEnc, Revoked, func(r *record) { r.Retired, r.JWK = rotAt(-time.Hour), json.RawMessage("{}") }),
		}, Step{Action: MarkDue, Use: keys.UseEnc, KeyID: "r", At: rotAt(rotI4 - time.Hour)}},
		{"enc by its own windows", []record{
			rotRecord("r", keys.UseEnc, Retired, func(r *record) { r.Windows = small }),
		}, Step{Action: MarkDue, Use: keys.UseEnc, KeyID: "r", At: rotAt(12*time.Minute + 4*time.Second)}},

		{"sig: the second look R later", []record{
			rotRecord("r", keys.UseSig, Retired, rotDue(rotI2)),
		}, Step{Action: Destroy, Use: keys.UseSig, KeyID: "r", At: rotAt(rotI2 + rotI2)}},
		{"enc: the second look R later", []record{
			rotRecord("r", keys.UseEnc, Retired, rotDue(rotI4+time.Minute)),
		}, Step{Action: Destroy, Use: keys.UseEnc, KeyID: "r", At: rotAt(rotI4 + rotI4 + time.Minute)}},
		{"a revoked decryption key is erased", []record{
			rotRecord("r", keys.UseEnc, Revoked, func(r *record) { r.JWK, r.Due = json.RawMessage("{}"), rotAt(rotI4) }),
		}, Step{Action: Destroy, Use: keys.UseEnc, KeyID: "r", At: rotAt(rotI4 + rotI4)}},
		{"a mark from before the windows grew does not count", []record{
			rotRecord("r", keys.UseSig, Retired, rotDue(time.Hour)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "r", At: rotAt(rotI2)}},

		{"what is due first comes first", []record{
			rotRecord("a", keys.UseSig, Active, rotActivated(0)), rotRecord("s", keys.UseSig, Staged, nil),
			rotRecord("a2", keys.UseEnc, Active, rotActivated(0)), rotRecord("s2", keys.UseEnc, Staged, nil),
			rotRecord("r", keys.UseEnc, Retired, nil), rotRecord("q", keys.UseSig, Retired, nil),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "q", At: rotAt(rotI2)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := rotDocument(tt.records...)
			before := rotJSON(t, d)
			for _, c := range []struct {
				now time.Time
				due bool
			}{{tt.want.At.Add(-1), false}, {tt.want.At, true}, {tt.want.At.Add(1), true}} {
				for range 2 { // the same question, the same answer
					if got, due := d.next(c.now); !reflect.DeepEqual(got, tt.want) || due != c.due {
						t.Errorf("at %v: %+v, due %t; want %+v, due %t", c.now, got, due, tt.want, c.due)
					}
				}
			}
			if rotJSON(t, d) != before {
				t.Error("the question changed the document")
			}
		})
	}
}

// A clock that is behind the mark by more than clocks may differ clears it: whoever set
// it was ahead. Two healthy clocks do not clear each other's marks.
func TestStepClearDue(t *testing.T) {
	d := rotDocument(rotRecord("r", keys.UseSig, Retired, rotDue(day)))
	now := rotAt(day - time.Minute - 1)
	want := Step{Action: ClearDue, Use: keys.UseSig, KeyID: "r", At: now}
	if got, due := d.next(now); !due || got != want {
		t.Errorf("more than the skew before the mark: %+v, due %t; want %+v", got, due, want)
	}
	want = Step{Action: Destroy, Use: keys.UseSig, KeyID: "r", At: rotAt(day + rotI2)}
	for _, at := range []time.Duration{day - time.Minute, day} {
		if got, due := d.next(rotAt(at)); due || got != want {
			t.Errorf("at %v: %+v, due %t; want %+v", at, got, due, want)
		}
	}
}

func TestStepNothing(t *testing.T) {
	for name, d := range map[string]*document{
		"no keys": rotDocument(),
		"tombstones": rotDocument(
			rotRecord("d", keys.UseSig, Destroyed, nil), rotRecord("e", keys.UseEnc, Destroyed, nil),
			rotRecord("f", keys.UseSig, Revoked, nil), rotRecord("g", keys.UseEnc, Revoked, rotDue(day)),
		),
	} {
		got, due := d.next(rotAt(1000 * day))
		if want := (Step{Action: Nothing}); due || got != want {
			t.Errorf("%s: %+v, due %t", name, got, due)
		}
	}
}

func TestStepApplyRefuses(t *testing.T) {
	d := rotDocument(rotRecord("a", keys.UseSig, Active, nil))
	for _, a := range []Action{MarkDue, ClearDue, Destroy} {
		rotWantError(t, d.apply(Step{Action: a, KeyID: "x"}, record{}, rotBase), keys.ErrNoKey)
	}
	rotWantError(t, d.apply(Step{Action: Activate, KeyID: "x"}, record{}, rotBase), ErrState)
	rotWantError(t, d.apply(Step{Action: Activate, KeyID: "a"}, record{}, rotBase), ErrState)
}

// What cannot be read cannot be retired either: its private half would stay.
func TestStepRetireNeedsTheKey(t *testing.T) {
	for _, jwk := range []string{"", "{}"} {
		d := rotDocument(
			rotRecord("a", keys.UseSig, Active, func(r *record) { r.Suite, r.JWK = "ES256", json.RawMessage(jwk) }),
			rotRecord("s", keys.UseSig, Staged, nil),
		)
		if err := d.activate("s", rotBase); err == nil {
			t.Errorf("retired a key of %q", jwk)
		}
	}
}

func TestStepErasesRevoked(t *testing.T) {
	d := rotDocument(rotRecord("r", keys.UseEnc, Revoked, func(r *record) { r.JWK, r.Due = json.RawMessage("{}"), rotAt(rotI4) }))
	now := rotAt(rotI4 + rotI4)
	s, due := d.next(now)
	if !due || s.Action != Destroy {
		t.Fatalf("%+v, due %t", s, due)
	}
	if err := d.apply(s, record{}, now); err != nil {
		t.Fatal(err)
	}
	if r := d.byID("r"); r.State != Revoked || !r.Ended.Equal(rotBase) || r.JWK != nil {
		t.Errorf("after its erasure: %+v", r)
	}
}

func rotJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
