// Package window counts how long the keys of a ring wait: it has the windows that follow from a
// policy, the two looks that find a window over, and the policies that still bind after they
// were replaced. The package documentation of keyring says why each window is that long. No
// function here reads a clock: each gets the time as an argument.
package window

import "time"

// Duration is written as Go prints it, "1h0m0s".
type Duration time.Duration

// MarshalText writes d as Go prints it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what [time.ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// Figures are the part of a policy from which the windows follow, as a ring stores them. A
// figure that is zero stands for its default.
type Figures struct {
	TokenLifetime Duration `json:"token_lifetime"`
	Leeway        Duration `json:"leeway"`
	ClockSkew     Duration `json:"clock_skew"`
	CacheAge      Duration `json:"cache_age"`
	PublishLag    Duration `json:"publish_lag"`
	SnapshotAge   Duration `json:"snapshot_age"`
}

// WithDefaults returns f with its zero figures filled in.
func (f Figures) WithDefaults() Figures {
	for _, d := range []struct {
		figure *Duration
		value  time.Duration
	}{
		{&f.TokenLifetime, time.Hour},
		{&f.Leeway, time.Minute},
		{&f.ClockSkew, time.Minute},
		{&f.CacheAge, 24 * time.Hour},
		{&f.PublishLag, time.Minute},
		{&f.SnapshotAge, time.Hour},
	} {
		if *d.figure == 0 {
			*d.figure = Duration(d.value)
		}
	}
	return f
}

// Widest returns the larger of the two values for each figure.
func (f Figures) Widest(o Figures) Figures {
	return Figures{
		TokenLifetime: max(f.TokenLifetime, o.TokenLifetime), Leeway: max(f.Leeway, o.Leeway), ClockSkew: max(f.ClockSkew, o.ClockSkew),
		CacheAge: max(f.CacheAge, o.CacheAge), PublishLag: max(f.PublishLag, o.PublishLag), SnapshotAge: max(f.SnapshotAge, o.SnapshotAge),
	}
}

// Windows are the windows I1 to I4 of the documentation of keyring. The type keyring.Windows has
// the same fields.
type Windows struct{ SignAhead, SignKept, EncAhead, EncKept time.Duration }

// Windows returns the windows that follow from f.
func (f Figures) Windows() Windows {
	f = f.WithDefaults()
	return Windows{
		SignAhead: time.Duration(f.SnapshotAge + f.PublishLag + f.CacheAge + f.ClockSkew),
		SignKept:  time.Duration(f.SnapshotAge + f.TokenLifetime + f.Leeway + 2*f.ClockSkew),
		EncAhead:  time.Duration(f.SnapshotAge + f.ClockSkew),
		EncKept:   time.Duration(f.SnapshotAge + f.PublishLag + f.CacheAge + f.TokenLifetime + f.Leeway + 2*f.ClockSkew),
	}
}
