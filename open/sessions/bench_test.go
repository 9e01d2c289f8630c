package sessions

import (
	"testing"
	"time"

	"github.com/sealjwt/sealjwt/open"
)

// BenchmarkCheck measures the time that Check adds to an Open from the cache, with 20,000 entries
// in the list.
func BenchmarkCheck(b *testing.B) {
	p := newParty(b)
	p.runFeed(b)
	r := p.remote()
	p.runRemote(b, r)
	var many []Ended
	for _, sid := range sids(0, 20_000) {
		many = append(many, endedAt(sid, time.Now().Add(18*time.Minute)))
	}
	if err := p.store.Append(b.Context(), many); err != nil {
		b.Fatal(err)
	}
	for r.Status().Entries < len(many) || r.Ready(b.Context()) != nil {
		time.Sleep(10 * time.Millisecond)
	}
	token := p.token(b, "8Jb3lXq0TdyQ9mTFnQkq3A")
	cached := func(c *open.Config) { c.Limits.Cache = 100 }
	for name, o := range map[string]*open.Opener{"without": p.opener(nil, cached), "with": p.opener(r.Check, cached)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := o.Open(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	tok := need(p.opener(nil).Open(b.Context(), token))
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := r.Check(b.Context(), tok); err != nil {
				b.Fatal(err)
			}
		}
	})
}
