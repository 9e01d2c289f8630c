package leak

import (
	"cmp"
	"slices"
)

// faultSD is the fault of every SD-JWT.
const faultSD = "it is an SD-JWT with disclosures behind it"

// fault adds a fault, once. A token can have as many as it has bytes, so there is a limit.
func (l *Layer) fault(r *reading, text string) {
	switch {
	case text == "" || slices.Contains(l.Faults, text):
	case len(l.Faults) == maxFaults:
		r.limit(LimitFaults)
	default:
		l.Faults = append(l.Faults, text)
	}
}

// outer adds a fault of the parts or of the header.
func (l *Layer) outer(r *reading, fault string) {
	l.fault(r, fault)
	l.OuterFault = cmp.Or(l.OuterFault, fault)
}

func (l *Layer) spelled(r *reading, part string, how spelling) {
	l.outer(r, how.fault(part))
}

func (l *Layer) encoded(r *reading, part, fault string) {
	if fault != "" {
		l.fault(r, part+" "+fault)
	}
}

// size notes the length of a part.
func (l *Layer) size(r *reading, part string, bytes int) {
	if len(l.Sizes) == maxMembers {
		r.limit(LimitMembers)
		return
	}
	l.Sizes = append(l.Sizes, Size{part, bytes})
}
