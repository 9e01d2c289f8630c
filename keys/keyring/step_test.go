package keyring

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/keys"
)

// startPlus returns the time that is d after testStart.
func startPlus(d time.Duration) time.Time { return testStart.Add(d) }

const longAgo = -365 * day

// The windows of the default policy are written out, because they are a promise to all parties that
// cache our keys.
const (
	signAhead = 25*time.Hour + 2*time.Minute
	signKept  = 2*time.Hour + 3*time.Minute
	encAhead  = time.Hour + time.Minute
	encKept   = 26*time.Hour + 4*time.Minute
)

func TestStepDefaultWindows(t *testing.T) {
	want := Windows{SignAhead: signAhead, SignKept: signKept, EncAhead: encAhead, EncKept: encKept}
	if got := (Policy{}).withDefaults().Windows(); got != want {
		t.Errorf("windows %+v, want %+v", got, want)
	}
}

// bareRecord returns the record of a key without a JWK. The rotation decides by states and times
// alone.
func bareRecord(kid string, u keys.Use, s State, change func(*record)) record {
	r := record{ID: kid, Use: u, State: s, Created: startPlus(longAgo), Windows: defaultWindows()}
	switch s {
	case Active:
		r.Activated = startPlus(longAgo)
	case Retired:
		r.Retired = startPlus(0)
	case Destroyed, Revoked:
		r.Ended = startPlus(0)
	}
	if change != nil {
		change(&r)
	}
	return r
}

// bareDocument returns a document of these records that was never stored.
func bareDocument(records ...record) *document {
	return &document{Version: documentVersion, Policy: newPolicyDocument(Policy{}.withDefaults()), Keys: records}
}

// These functions return changes to a record for bareRecord. Times count from testStart.
func createdAt(d time.Duration) func(*record) { return func(r *record) { r.Created = startPlus(d) } }
func activatedAt(d time.Duration) func(*record) {
	return func(r *record) { r.Activated = startPlus(d) }
}
func dueAt(d time.Duration) func(*record) { return func(r *record) { r.Due = startPlus(d) } }

func stagedAt(created, due time.Duration) func(*record) {
	return func(r *record) { r.Created, r.Due = startPlus(created), startPlus(due) }
}

func activeFrom(activated, due time.Duration) func(*record) {
	return func(r *record) { r.Activated, r.Due = startPlus(activated), startPlus(due) }
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
			bareRecord("a", keys.UseSig, Active, activatedAt(0)),
		}, Step{Action: Stage, Use: keys.UseSig, At: startPlus(0)}},
		{"so does a decryption key", []record{
			bareRecord("a", keys.UseEnc, Active, activatedAt(0)),
		}, Step{Action: Stage, Use: keys.UseEnc, At: startPlus(0)}},

		{"sig: the window is found over", []record{
			bareRecord("a", keys.UseSig, Active, dueAt(longAgo+100*day)), bareRecord("s", keys.UseSig, Staged, createdAt(0)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "s", At: startPlus(signAhead)}},
		{"sig: a whole window later", []record{
			bareRecord("a", keys.UseSig, Active, dueAt(longAgo+100*day)), bareRecord("s", keys.UseSig, Staged, stagedAt(0, signAhead)),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", Retires: "a", At: startPlus(2 * signAhead)}},
		{"sig: the end of the period is found a window before", []record{
			bareRecord("a", keys.UseSig, Active, activatedAt(0)), bareRecord("s", keys.UseSig, Staged, dueAt(longAgo+100*day)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "a", At: startPlus(30*day - signAhead)}},
		{"sig: the period decides", []record{
			bareRecord("a", keys.UseSig, Active, activeFrom(0, 30*day-signAhead)), bareRecord("s", keys.UseSig, Staged, dueAt(longAgo+100*day)),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", Retires: "a", At: startPlus(30 * day)}},
		{"sig: a late look", []record{
			bareRecord("a", keys.UseSig, Active, activeFrom(0, 40*day)), bareRecord("s", keys.UseSig, Staged, dueAt(longAgo+100*day)),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", Retires: "a", At: startPlus(40*day + signAhead)}},
		{"enc: the window is found over", []record{
			bareRecord("a", keys.UseEnc, Active, dueAt(longAgo+100*day)), bareRecord("s", keys.UseEnc, Staged, createdAt(0)),
		}, Step{Action: MarkDue, Use: keys.UseEnc, KeyID: "s", At: startPlus(encAhead)}},
		{"enc: a whole window later", []record{
			bareRecord("a", keys.UseEnc, Active, dueAt(longAgo+100*day)), bareRecord("s", keys.UseEnc, Staged, stagedAt(0, encAhead)),
		}, Step{Action: Activate, Use: keys.UseEnc, KeyID: "s", Retires: "a", At: startPlus(2 * encAhead)}},
		{"enc: the period decides", []record{
			bareRecord("a", keys.UseEnc, Active, activeFrom(0, 90*day-encAhead)), bareRecord("s", keys.UseEnc, Staged, dueAt(longAgo+100*day)),
		}, Step{Action: Activate, Use: keys.UseEnc, KeyID: "s", Retires: "a", At: startPlus(90 * day)}},
		{"the first key of a use waits for its window", []record{
			bareRecord("s", keys.UseSig, Staged, stagedAt(0, signAhead)),
		}, Step{Action: Activate, Use: keys.UseSig, KeyID: "s", At: startPlus(2 * signAhead)}},
		{"of several staged the oldest", []record{
			bareRecord("young", keys.UseSig, Staged, createdAt(time.Hour)), bareRecord("old", keys.UseSig, Staged, createdAt(0)),
			bareRecord("younger", keys.UseSig, Staged, createdAt(2*time.Hour)), bareRecord("a", keys.UseSig, Active, dueAt(longAgo+100*day)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "old", At: startPlus(signAhead)}},
		{"a key goes by its own windows", []record{
			bareRecord("a", keys.UseEnc, Active, dueAt(longAgo+100*day)),
			bareRecord("s", keys.UseEnc, Staged, func(r *record) { r.Created, r.Due, r.Windows = startPlus(0), startPlus(time.Hour), small }),
		}, Step{Action: Activate, Use: keys.UseEnc, KeyID: "s", Retires: "a", At: startPlus(time.Hour + time.Minute + time.Second)}},
		{"a record from before the period grew does not count", []record{
			bareRecord("a", keys.UseSig, Active, activeFrom(0, 20*day)), bareRecord("s", keys.UseSig, Staged, dueAt(longAgo+100*day)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "a", At: startPlus(30*day - signAhead)}},

		{"sig: found due", []record{
			bareRecord("r", keys.UseSig, Retired, nil),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "r", At: startPlus(signKept)}},
		{"enc: found due", []record{
			bareRecord("r", keys.UseEnc, Retired, nil),
		}, Step{Action: MarkDue, Use: keys.UseEnc, KeyID: "r", At: startPlus(encKept)}},
		{"a revoked decryption key counts from its revocation", []record{
			bareRecord("r", keys.UseEnc, Revoked, func(r *record) { r.JWK = json.RawMessage("{}") }),
		}, Step{Action: MarkDue, Use: keys.UseEnc, KeyID: "r", At: startPlus(encKept)}},
		{"one that had retired before, from then", []record{
			bareRecord("r", keys.UseEnc, Revoked, func(r *record) { r.Retired, r.JWK = startPlus(-time.Hour), json.RawMessage("{}") }),
		}, Step{Action: MarkDue, Use: keys.UseEnc, KeyID: "r", At: startPlus(encKept - time.Hour)}},
		{"enc by its own windows", []record{
			bareRecord("r", keys.UseEnc, Retired, func(r *record) { r.Windows = small }),
		}, Step{Action: MarkDue, Use: keys.UseEnc, KeyID: "r", At: startPlus(12*time.Minute + 4*time.Second)}},

		{"sig: a whole window after the first look", []record{
			bareRecord("r", keys.UseSig, Retired, dueAt(signKept)),
		}, Step{Action: Destroy, Use: keys.UseSig, KeyID: "r", At: startPlus(signKept + signKept)}},
		{"enc: a whole window after the first look", []record{
			bareRecord("r", keys.UseEnc, Retired, dueAt(encKept+time.Minute)),
		}, Step{Action: Destroy, Use: keys.UseEnc, KeyID: "r", At: startPlus(encKept + encKept + time.Minute)}},
		{"a revoked decryption key is erased", []record{
			bareRecord("r", keys.UseEnc, Revoked, func(r *record) { r.JWK, r.Due = json.RawMessage("{}"), startPlus(encKept) }),
		}, Step{Action: Destroy, Use: keys.UseEnc, KeyID: "r", At: startPlus(encKept + encKept)}},
		{"a mark from before the windows grew does not count", []record{
			bareRecord("r", keys.UseSig, Retired, dueAt(time.Hour)),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "r", At: startPlus(signKept)}},

		{"what is due first comes first", []record{
			bareRecord("a", keys.UseSig, Active, activatedAt(0)), bareRecord("s", keys.UseSig, Staged, dueAt(longAgo+100*day)),
			bareRecord("a2", keys.UseEnc, Active, activatedAt(0)), bareRecord("s2", keys.UseEnc, Staged, dueAt(longAgo+100*day)),
			bareRecord("r", keys.UseEnc, Retired, nil), bareRecord("q", keys.UseSig, Retired, nil),
		}, Step{Action: MarkDue, Use: keys.UseSig, KeyID: "q", At: startPlus(signKept)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := bareDocument(tt.records...)
			before := string(asJSON(t, d))
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
			if string(asJSON(t, d)) != before {
				t.Error("the question changed the document")
			}
		})
	}
}

// A clock is behind the mark by more than clocks may differ, so the clock that set the mark was
// ahead. The look clears the mark. Two healthy clocks do not clear each other's marks.
func TestStepClearDue(t *testing.T) {
	d := bareDocument(bareRecord("r", keys.UseSig, Retired, dueAt(day)))
	now := startPlus(day - time.Minute - 1)
	want := Step{Action: ClearDue, Use: keys.UseSig, KeyID: "r", At: now}
	if got, due := d.next(now); !due || got != want {
		t.Errorf("more than the skew before the mark: %+v, due %t; want %+v", got, due, want)
	}
	want = Step{Action: Destroy, Use: keys.UseSig, KeyID: "r", At: startPlus(day + signKept)}
	for _, at := range []time.Duration{day - time.Minute, day} {
		if got, due := d.next(startPlus(at)); due || got != want {
			t.Errorf("at %v: %+v, due %t; want %+v", at, got, due, want)
		}
	}
}

// The dates come from clocks that are years ahead or behind, and the clock of the look is right. A
// date in the future counts as the time of the record, and a record in the future is cleared.
func TestStepWrongClocks(t *testing.T) {
	const years = 10 * 365 * day
	long := longAgo + 100*day
	for _, tt := range []struct {
		name    string
		records []record
		now     time.Duration
		want    Step
		wrong   string // kid of the key whose date is reported
	}{
		{"staged ahead: a first look at once", []record{
			bareRecord("a", keys.UseSig, Active, dueAt(long)), bareRecord("s", keys.UseSig, Staged, createdAt(years)),
		}, 0, Step{Action: MarkDue, KeyID: "s", At: startPlus(0)}, "s"},
		{"a window after the record", []record{
			bareRecord("a", keys.UseSig, Active, dueAt(long)), bareRecord("s", keys.UseSig, Staged, stagedAt(years, 0)),
		}, 1, Step{Action: Activate, KeyID: "s", Retires: "a", At: startPlus(signAhead)}, "s"},
		{"staged ahead within the skew: no matter", []record{
			bareRecord("a", keys.UseSig, Active, dueAt(long)), bareRecord("s", keys.UseSig, Staged, createdAt(time.Minute)),
		}, 0, Step{Action: MarkDue, KeyID: "s", At: startPlus(time.Minute + signAhead)}, ""},
		{"a host ahead does not act on the record of another at once", []record{
			bareRecord("a", keys.UseSig, Active, dueAt(long)), bareRecord("s", keys.UseSig, Staged, stagedAt(years, 0)),
		}, years, Step{Action: MarkDue, KeyID: "s", At: startPlus(years + signAhead)}, "s"},
		{"its own record is cleared", []record{
			bareRecord("a", keys.UseSig, Active, dueAt(long)), bareRecord("s", keys.UseSig, Staged, stagedAt(0, years)),
		}, 2 * signAhead, Step{Action: ClearDue, KeyID: "s", At: startPlus(2 * signAhead)}, "s"},
		{"staged by a clock behind: a whole window after the record", []record{
			bareRecord("a", keys.UseSig, Active, dueAt(long)), bareRecord("s", keys.UseSig, Staged, stagedAt(-years, 0)),
		}, 1, Step{Action: Activate, KeyID: "s", Retires: "a", At: startPlus(signAhead)}, ""},
		{"a record by a clock behind is made again", []record{
			bareRecord("a", keys.UseSig, Active, dueAt(long)), bareRecord("s", keys.UseSig, Staged, stagedAt(0, -years)),
		}, signAhead, Step{Action: MarkDue, KeyID: "s", At: startPlus(signAhead)}, "s"},
		{"active ahead: its period counts from the record", []record{
			bareRecord("a", keys.UseSig, Active, activeFrom(years, 0)), bareRecord("s", keys.UseSig, Staged, dueAt(long)),
		}, 1, Step{Action: Activate, KeyID: "s", Retires: "a", At: startPlus(30 * day)}, "a"},
		{"active ahead without a successor", []record{
			bareRecord("a", keys.UseEnc, Active, activatedAt(years)),
		}, 7, Step{Action: Stage, At: startPlus(7)}, ""},
		{"the end of a period that is found too early", []record{
			bareRecord("a", keys.UseSig, Active, activeFrom(0, years)), bareRecord("s", keys.UseSig, Staged, dueAt(long)),
		}, day, Step{Action: ClearDue, KeyID: "a", At: startPlus(day)}, "a"},
		{"retired ahead", []record{
			bareRecord("r", keys.UseEnc, Retired, func(r *record) { r.Retired = startPlus(years) }),
		}, 0, Step{Action: MarkDue, KeyID: "r", At: startPlus(0)}, ""},
		{"destroyed a window after the record", []record{
			bareRecord("r", keys.UseEnc, Retired, func(r *record) { r.Retired, r.Due = startPlus(years), startPlus(0) }),
		}, 1, Step{Action: Destroy, KeyID: "r", At: startPlus(encKept)}, ""},
		{"retired ahead, by the clock that did", []record{
			bareRecord("r", keys.UseEnc, Retired, func(r *record) { r.Retired, r.Due = startPlus(years), startPlus(0) }),
		}, years, Step{Action: MarkDue, KeyID: "r", At: startPlus(years + encKept)}, ""},
	} {
		d := bareDocument(tt.records...)
		got, _ := d.next(startPlus(tt.now))
		if got.Use = ""; got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
		for i := range d.Keys {
			d.Keys[i].JWK = json.RawMessage("{}")
			if wrong := d.wrongDate(&d.Keys[i], startPlus(tt.now)); tt.wrong != "" && wrong.IsZero() != (d.Keys[i].ID != tt.wrong) && tt.now < years {
				t.Errorf("%s: of %s it reports %v", tt.name, d.Keys[i].ID, wrong)
			}
		}
	}
}

func TestStepNothing(t *testing.T) {
	for name, d := range map[string]*document{
		"no keys": bareDocument(),
		"tombstones": bareDocument(
			bareRecord("d", keys.UseSig, Destroyed, nil), bareRecord("e", keys.UseEnc, Destroyed, nil),
			bareRecord("f", keys.UseSig, Revoked, nil), bareRecord("g", keys.UseEnc, Revoked, dueAt(day)),
		),
	} {
		got, due := d.next(startPlus(1000 * day))
		if want := (Step{Action: Nothing}); due || got != want {
			t.Errorf("%s: %+v, due %t", name, got, due)
		}
	}
}

func TestStepApplyRefuses(t *testing.T) {
	d := bareDocument(bareRecord("a", keys.UseSig, Active, nil))
	for _, a := range []Action{MarkDue, ClearDue, Destroy} {
		wantError(t, d.apply(Step{Action: a, KeyID: "x"}, record{}, testStart), keys.ErrNoKey)
	}
	wantError(t, d.apply(Step{Action: Activate, KeyID: "x"}, record{}, testStart), ErrState)
	wantError(t, d.apply(Step{Action: Activate, KeyID: "a"}, record{}, testStart), ErrState)
}

// A key that cannot be read cannot be retired either, because its private key would stay.
func TestStepRetireNeedsTheKey(t *testing.T) {
	for _, jwk := range []string{"", "{}"} {
		d := bareDocument(
			bareRecord("a", keys.UseSig, Active, func(r *record) { r.Suite, r.JWK = "ES256", json.RawMessage(jwk) }),
			bareRecord("s", keys.UseSig, Staged, nil),
		)
		if err := d.activate("s", testStart); err == nil {
			t.Errorf("retired a key of %q", jwk)
		}
	}
}

func TestStepErasesRevoked(t *testing.T) {
	d := bareDocument(bareRecord("r", keys.UseEnc, Revoked, func(r *record) { r.JWK, r.Due = json.RawMessage("{}"), startPlus(encKept) }))
	now := startPlus(encKept + encKept)
	s, due := d.next(now)
	if !due || s.Action != Destroy {
		t.Fatalf("%+v, due %t", s, due)
	}
	if err := d.apply(s, record{}, now); err != nil {
		t.Fatal(err)
	}
	if r := d.byID("r"); r.State != Revoked || !r.Ended.Equal(testStart) || r.JWK != nil {
		t.Errorf("after its erasure: %+v", r)
	}
}
