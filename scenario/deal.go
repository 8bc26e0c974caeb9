package scenario

// deal hands the groups of a family out to connections, the same number to each.
//
// Connections take consecutive runs of slots 0, 1, 2 …; slot σ is the group
// stride·σ mod count. After cycle connections the slots are back at a multiple
// of count, every group was dealt equally often, and a new cycle starts with
// another stride. The stride has no factor in common with count, so a run of up
// to count slots names distinct groups, and after any number of connections the
// groups differ by at most one member. The first cycle has stride 1; the later
// ones keep the same connections from meeting in every group they join.
type deal struct {
	groups idRange
	each   int // groups per connection
	cycle  int
	key    uint64
}

func newDeal(groups idRange, each int, key uint64) deal {
	return deal{groups, each, groups.count / gcd(groups.count, each), key}
}

// groupsOf appends the groups of the i-th connection of the population.
func (d *deal) groupsOf(dst []int, i int) []int {
	return d.run(dst, i%d.cycle, d.stride(i/d.cycle))
}

func (d *deal) run(dst []int, turn, stride int) []int {
	n := uint64(d.groups.count)
	for j := range d.each {
		slot := (uint64(turn)*uint64(d.each) + uint64(j)) % n
		dst = append(dst, d.groups.first+int(slot*uint64(stride)%n))
	}
	return dst
}

func (d *deal) stride(cycle int) int {
	n := d.groups.count
	if cycle == 0 || n <= 2 {
		return 1
	}
	s := 1 + int(mix(d.key^uint64(cycle))%uint64(n-1))
	for gcd(s, n) != 1 {
		s = s%(n-1) + 1
	}
	return s
}

// all calls visit with every connection 0 … count-1 and its groups, which are
// valid until it returns. It looks for each stride once only.
func (d *deal) all(count int, visit func(i int, groups []int)) {
	var groups []int
	for first := 0; first < count; first += d.cycle {
		stride := d.stride(first / d.cycle)
		for turn := range min(d.cycle, count-first) {
			groups = d.run(groups[:0], turn, stride)
			visit(first+turn, groups)
		}
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
