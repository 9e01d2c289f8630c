package window

import (
	"encoding/json"
	"testing"
	"time"
)

const day = 24 * time.Hour

// The test uses the defaults, and a policy in which no two figures are alike. A sum that misses a
// figure, or takes a wrong one, gives another result.
func TestWindows(t *testing.T) {
	for name, c := range map[string]struct {
		figures Figures
		want    Windows
	}{
		"defaults": {Figures{}, Windows{25*time.Hour + 2*time.Minute, 2*time.Hour + 3*time.Minute, 61 * time.Minute, 26*time.Hour + 4*time.Minute}},
		"a default beside others": {
			Figures{TokenLifetime: 1, Leeway: 10, CacheAge: 1000, PublishLag: 10_000, SnapshotAge: 100_000},
			Windows{time.Minute + 111_000, 2*time.Minute + 100_011, time.Minute + 100_000, 2*time.Minute + 111_011},
		},
		"all": {
			Figures{TokenLifetime: 1, Leeway: 10, ClockSkew: 100, CacheAge: 1000, PublishLag: 10_000, SnapshotAge: 100_000},
			Windows{111_100, 100_211, 100_100, 111_211},
		},
	} {
		if got := c.figures.Windows(); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// If Widest took a figure from the wrong policy, a key would end early.
func TestWidest(t *testing.T) {
	low, high := Figures{1, 4, 5, 8, 9, 12}, Figures{2, 3, 6, 7, 10, 11}
	want := Figures{2, 4, 6, 8, 10, 12}
	if got := low.Widest(high); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := high.Widest(low); got != want {
		t.Errorf("the other way: %+v, want %+v", got, want)
	}
}

// The spelling is part of the format of a ring.
func TestText(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const text = `[{"token_lifetime":"1h0m0s","leeway":"1m0s","clock_skew":"1m0s","cache_age":"24h0m0s","publish_lag":"1m0s","snapshot_age":"1h0m0s",` +
		`"until":"2026-01-02T03:04:05Z","due":"2026-01-02T03:04:05Z"}]`
	data, err := json.Marshal(Formers{{Figures: Figures{}.WithDefaults(), Until: at, Due: at}})
	if err != nil || string(data) != text {
		t.Errorf("%s, %v, want %s", data, err, text)
	}
	var again Formers
	if err := json.Unmarshal([]byte(text), &again); err != nil || len(again) != 1 || again[0] != (Former{Figures{}.WithDefaults(), at, at}) {
		t.Errorf("read as %+v, %v", again, err)
	}
	for _, text := range []string{`""`, `"1"`, `"an hour"`, `60`, `"1h 0m"`} {
		if err := json.Unmarshal([]byte(text), new(Duration)); err == nil {
			t.Errorf("%s is a duration", text)
		}
	}
}
