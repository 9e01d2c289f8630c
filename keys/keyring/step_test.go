package keyring

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// rotBase is the time at which the tests of the rotation begin.
var rotBase = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func rotAt(d time.Duration) time.Time { return rotBase.Add(d) }

const rotLongAgo = -365 * day

// The windows of the default policy are written out, because they are a promise to all parties that
// cache our keys.
const (
	rotI1 = 25*time.Hour + 2*time.Minute
	rotI2 = 2*time.Hour + 3*time.Minute
	rotI3 = time.Hour + time.Minute
	rotI4 = 26*time.Hour + 4*time.Minute
)

func TestStepDefaultWindows(t *testing.T) {
	want := Windows{SignAhead: rotI1, SignKept: rotI2, EncAhead: rotI3, EncKept: rotI4}
	if got := (Policy{}).withDefaults().Windows(); got != want {
		t.Errorf("windows %+v, want %+v", got, want)
	}
}

// rotRecord returns a key without material, because a decision needs none.
func rotRecord(kid string, u keys.Use, s State, change func(*record)) record {
	r := record{ID: kid, Use: u, State: s, Created: rotAt(rotLongAgo), Windows: newPolicyDocument(Policy{}.withDefaults()).Figures}
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
	return &document{Version: documentVersion, Policy: newPolicyDocument(Policy{}.withDefaults()), Keys: records}
}

func rotCreated(d time.Duration) func(*record)   { return func(r *record) { r.Created = rotAt(d) } }
func rotActivated(d time.Duration) func(*record) { return func(r *record) { r.Activated = rotAt(d) } }
func rotDue(d time.Duration) func(*record)       { return func(r *record) { r.Due = rotAt(d) } }

func rotStaged(created, due time.Duration) func(*record) {
	return func(r *record) { r.Created, r.Due = rotAt(created), rotAt(due) }
}

func rotActive(activated, due time.Duration) func(*record) {
	return func(r *record) { r.Activated, r.Due = rotAt(activated), rotAt(due) }
}

// Each step is due exactly at its time, and not a nanosecond earlier.
func TestStepTable(t *testing.T) {
	small := newPolicyDocument(Policy{
		TokenLifetime: time.Minute, Leeway: time.Second, ClockSkew: time.Second, CacheAge: 10 * time.Minute,
		PublishLag: time.Second, SnapshotAge: time.Minute,
	}.withDefaults()).Figures
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

		{"sig: the window is found over", []record{
			rotRecord("a", keys.UseSig, Active, rotDue(rotLongAgo+100*day)), rotRecord("s", keys.UseSig, Staged, rotCreated(0)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "s", At: rotAt(rotI1)}},
		{"sig: a whole window later", []record{
			rotRecord("a", keys.UseSig, Active, rotDue(rotLongAgo+100*day)), rotRecord("s", keys.UseSig, Staged, rotStaged(0, rotI1)),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", Retires: "a", At: rotAt(2 * rotI1)}},
		{"sig: the end of the period is found a window before", []record{
			rotRecord("a", keys.UseSig, Active, rotActivated(0)), rotRecord("s", keys.UseSig, Staged, rotDue(rotLongAgo+100*day)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "a", At: rotAt(30*day - rotI1)}},
		{"sig: the period decides", []record{
			rotRecord("a", keys.UseSig, Active, rotActive(0, 30*day-rotI1)), rotRecord("s", keys.UseSig, Staged, rotDue(rotLongAgo+100*day)),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", Retires: "a", At: rotAt(30 * day)}},
		{"sig: a late look", []record{
			rotRecord("a", keys.UseSig, Active, rotActive(0, 40*day)), rotRecord("s", keys.UseSig, Staged, rotDue(rotLongAgo+100*day)),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", Retires: "a", At: rotAt(40*day + rotI1)}},
		{"enc: the window is found over", []record{
			rotRecord("a", keys.UseEnc, Active, rotDue(rotLongAgo+100*day)), rotRecord("s", keys.UseEnc, Staged, rotCreated(0)),
		}, Step{Action: MarkDue, Use: keys.UseEnc, KeyID: "s", At: rotAt(rotI3)}},
		{"enc: a whole window later", []record{
			rotRecord("a", keys.UseEnc, Active, rotDue(rotLongAgo+100*day)), rotRecord("s", keys.UseEnc, Staged, rotStaged(0, rotI3)),
		}, Step{Action: Activate, Use: keys.UseEnc, KeyID: "s", Retires: "a", At: rotAt(2 * rotI3)}},
		{"enc: the period decides", []record{
			rotRecord("a", keys.UseEnc, Active, rotActive(0, 90*day-rotI3)), rotRecord("s", keys.UseEnc, Staged, rotDue(rotLongAgo+100*day)),
		}, Step{Action: Activate, Use: keys.UseEnc, KeyID: "s", Retires: "a", At: rotAt(90 * day)}},
		{"the first key of a use waits for its window", []record{
			rotRecord("s", keys.UseSig, Staged, rotStaged(0, rotI1)),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", At: rotAt(2 * rotI1)}},
		{"of several staged the oldest", []record{
			rotRecord("young", keys.UseSig, Staged, rotCreated(time.Hour)), rotRecord("old", keys.UseSig, Staged, rotCreated(0)),
			rotRecord("younger", keys.UseSig, Staged, rotCreated(2*time.Hour)), rotRecord("a", keys.UseSig, Active, rotDue(rotLongAgo+100*day)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "old", At: rotAt(rotI1)}},
		{"a key goes by its own windows", []record{
			rotRecord("a", keys.UseEnc, Active, rotDue(rotLongAgo+100*day)),
			rotRecord("s", keys.UseEnc, Staged, func(r *record) { r.Created, r.Due, r.Windows = rotAt(0), rotAt(time.Hour), small }),
		}, Step{Action: Activate, Use: keys.UseEnc, KeyID: "s", Retires: "a", At: rotAt(time.Hour + time.Minute + time.Second)}},
		{"a record from before the period grew does not count", []record{
			rotRecord("a", keys.UseSig, Active, rotActive(0, 20*day)), rotRecord("s", keys.UseSig, Staged, rotDue(rotLongAgo+100*day)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "a", At: rotAt(30*day - rotI1)}},

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

		{"sig: a whole window after the first look", []record{
			rotRecord("r", keys.UseSig, Retired, rotDue(rotI2)),
		}, Step{Action: Destroy, Use: keys.UseSig, KeyID: "r", At: rotAt(rotI2 + rotI2)}},
		{"enc: a whole window after the first look", []record{
			rotRecord("r", keys.UseEnc, Retired, rotDue(rotI4+time.Minute)),
		}, Step{Action: Destroy, Use: keys.UseEnc, KeyID: "r", At: rotAt(rotI4 + rotI4 + time.Minute)}},
		{"a revoked decryption key is erased", []record{
			rotRecord("r", keys.UseEnc, Revoked, func(r *record) { r.JWK, r.Due = json.RawMessage("{}"), rotAt(rotI4) }),
		}, Step{Action: Destroy, Use: keys.UseEnc, KeyID: "r", At: rotAt(rotI4 + rotI4)}},
		{"a mark from before the windows grew does not count", []record{
			rotRecord("r", keys.UseSig, Retired, rotDue(time.Hour)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "r", At: rotAt(rotI2)}},

		{"what is due first comes first", []record{
			rotRecord("a", keys.UseSig, Active, rotActivated(0)), rotRecord("s", keys.UseSig, Staged, rotDue(rotLongAgo+100*day)),
			rotRecord("a2", keys.UseEnc, Active, rotActivated(0)), rotRecord("s2", keys.UseEnc, Staged, rotDue(rotLongAgo+100*day)),
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
				for range 2 { // the same question has the same answer
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

// A clock is behind the mark by more than clocks may differ, so the clock that set the mark was
// ahead. The look clears the mark. Two healthy clocks do not clear each other's marks.
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

// The dates come from clocks that are years ahead or behind, and the clock of the look is right. A
// date in the future counts as the time of the record, and a record in the future is cleared.
func TestStepWrongClocks(t *testing.T) {
	const years = 10 * 365 * day
	long := rotLongAgo + 100*day
	for _, tt := range []struct {
		name    string
		records []record
		now     time.Duration
		want    Step
		wrong   string // kid of the key whose date is reported
	}{
		{"staged ahead: a first look at once", []record{
			rotRecord("a", keys.UseSig, Active, rotDue(long)), rotRecord("s", keys.UseSig, Staged, rotCreated(years)),
		}, 0, Step{Action: MarkDue, KeyID: "s", At: rotAt(0)}, "s"},
		{"a window after the record", []record{
			rotRecord("a", keys.UseSig, Active, rotDue(long)), rotRecord("s", keys.UseSig, Staged, rotStaged(years, 0)),
		}, 1, Step{Action: Activate, KeyID: "s", Retires: "a", At: rotAt(rotI1)}, "s"},
		{"staged ahead within the skew: no matter", []record{
			rotRecord("a", keys.UseSig, Active, rotDue(long)), rotRecord("s", keys.UseSig, Staged, rotCreated(time.Minute)),
		}, 0, Step{Action: MarkDue, KeyID: "s", At: rotAt(time.Minute + rotI1)}, ""},
		{"a host ahead does not act on the record of another at once", []record{
			rotRecord("a", keys.UseSig, Active, rotDue(long)), rotRecord("s", keys.UseSig, Staged, rotStaged(years, 0)),
		}, years, Step{Action: MarkDue, KeyID: "s", At: rotAt(years + rotI1)}, "s"},
		{"its own record is cleared", []record{
			rotRecord("a", keys.UseSig, Active, rotDue(long)), rotRecord("s", keys.UseSig, Staged, rotStaged(0, years)),
		}, 2 * rotI1, Step{Action: ClearDue, KeyID: "s", At: rotAt(2 * rotI1)}, "s"},
		{"staged by a clock behind: a whole window after the record", []record{
			rotRecord("a", keys.UseSig, Active, rotDue(long)), rotRecord("s", keys.UseSig, Staged, rotStaged(-years, 0)),
		}, 1, Step{Action: Activate, KeyID: "s", Retires: "a", At: rotAt(rotI1)}, ""},
		{"a record by a clock behind is made again", []record{
			rotRecord("a", keys.UseSig, Active, rotDue(long)), rotRecord("s", keys.UseSig, Staged, rotStaged(0, -years)),
		}, rotI1, Step{Action: MarkDue, KeyID: "s", At: rotAt(rotI1)}, "s"},
		{"active ahead: its period counts from the record", []record{
			rotRecord("a", keys.UseSig, Active, rotActive(years, 0)), rotRecord("s", keys.UseSig, Staged, rotDue(long)),
		}, 1, Step{Action: Activate, KeyID: "s", Retires: "a", At: rotAt(30 * day)}, "a"},
		{"active ahead without a successor", []record{
			rotRecord("a", keys.UseEnc, Active, rotActivated(years)),
		}, 7, Step{Action: Stage, At: rotAt(7)}, ""},
		{"the end of a period that is found too early", []record{
			rotRecord("a", keys.UseSig, Active, rotActive(0, years)), rotRecord("s", keys.UseSig, Staged, rotDue(long)),
		}, day, Step{Action: ClearDue, KeyID: "a", At: rotAt(day)}, "a"},
		{"retired ahead", []record{
			rotRecord("r", keys.UseEnc, Retired, func(r *record) { r.Retired = rotAt(years) }),
		}, 0, Step{Action: MarkDue, KeyID: "r", At: rotAt(0)}, ""},
		{"destroyed a window after the record", []record{
			rotRecord("r", keys.UseEnc, Retired, func(r *record) { r.Retired, r.Due = rotAt(years), rotAt(0) }),
		}, 1, Step{Action: Destroy, KeyID: "r", At: rotAt(rotI4)}, ""},
		{"retired ahead, by the clock that did", []record{
			rotRecord("r", keys.UseEnc, Retired, func(r *record) { r.Retired, r.Due = rotAt(years), rotAt(0) }),
		}, years, Step{Action: MarkDue, KeyID: "r", At: rotAt(years + rotI4)}, ""},
	} {
		d := rotDocument(tt.records...)
		got, _ := d.next(rotAt(tt.now))
		if got.Use = ""; got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
		for i := range d.Keys {
			d.Keys[i].JWK = json.RawMessage("{}")
			if wrong := d.wrongDate(&d.Keys[i], rotAt(tt.now)); tt.wrong != "" && wrong.IsZero() != (d.Keys[i].ID != tt.wrong) && tt.now < years {
				t.Errorf("%s: of %s it reports %v", tt.name, d.Keys[i].ID, wrong)
			}
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
		wantError(t, d.apply(Step{Action: a, KeyID: "x"}, record{}, rotBase), keys.ErrNoKey)
	}
	wantError(t, d.apply(Step{Action: Activate, KeyID: "x"}, record{}, rotBase), ErrState)
	wantError(t, d.apply(Step{Action: Activate, KeyID: "a"}, record{}, rotBase), ErrState)
}

// A key that cannot be read cannot be retired either, because its private key would stay.
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
