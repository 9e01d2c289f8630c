package keys

import (
	"context"
	"slices"
	"time"
)

// SetPolicy lets edit change the ring's policy; edit may be called several times. A period counts at once, also for
// the key that is active; a suite from the next key that is staged. Keys that exist
// keep the largest windows that were ever in force for them, so a policy that
// shrinks ends nothing early; for as long as caches and snapshots from the time of
// the old policy can live, new keys get the old windows too.
//
// It returns [ErrPolicy] for figures that cannot work together, naming the rule;
// then nothing was changed.
func (r *Ring) SetPolicy(ctx context.Context, edit func(*Policy)) error {
	return r.change(ctx, func(d *draft) ([]entry, error) {
		p, err := d.Policy.policy()
		if err != nil {
			return nil, err
		}
		edit(&p)
		if err := p.Validate(); err != nil {
			return nil, err
		}
		d.setPolicy(newPolicyDocument(p.withDefaults()), r.now())
		return []entry{{what: "policy"}}, nil
	})
}

func (d *document) setPolicy(p policyDocument, now time.Time) {
	d.pruneFormer(now)
	if old := d.Policy.windowDocument; old != p.windowDocument {
		d.Former = slices.DeleteFunc(d.Former, func(f formerWindows) bool { return f.windowDocument == old })
		d.Former = append(d.Former, formerWindows{old, utc(now)})
	}
	d.Policy = p
	for i := range d.Keys {
		if r := &d.Keys[i]; len(r.JWK) != 0 {
			r.Windows = r.Windows.widest(p.windowDocument)
		}
	}
}

// widestWindows is what a key made now has to reckon with.
func (d *document) widestWindows(now time.Time) windowDocument {
	w := d.Policy.windowDocument
	for _, f := range d.Former {
		if f.counts(now) {
			w = w.widest(f.windowDocument)
		}
	}
	return w
}

func (d *document) pruneFormer(now time.Time) {
	var kept []formerWindows
	for _, f := range d.Former {
		if f.counts(now) {
			kept = append(kept, f)
		}
	}
	d.Former = kept
}

// counts: whoever loaded or cached under the former policy may go on with it for
// as long as that one said.
func (f formerWindows) counts(now time.Time) bool {
	return now.Before(f.Until.Add(f.windows().EncKept))
}
