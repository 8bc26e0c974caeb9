package scenario

import "math/bits"

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection of
// 64-bit words that spreads every bit over all.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// permutation is a seeded order of 0 … n-1 that is computed both ways and never
// stored: a Feistel network over the next even power of two, walked until it
// falls inside (Black and Rogaway 2002).
type permutation struct {
	n    uint64
	half uint // bits of one half
	key  uint64
}

const feistelRounds = 4

func newPermutation(n int, key uint64) permutation {
	width := bits.Len64(uint64(max(n, 2) - 1))
	return permutation{n: uint64(n), half: uint(width+1) / 2, key: key}
}

// at returns what stands at a position.
func (p permutation) at(position int) int {
	x := uint64(position)
	for {
		left, right := x>>p.half, x&(1<<p.half-1)
		for round := range uint64(feistelRounds) {
			left, right = right, left^p.round(round, right)
		}
		if x = left<<p.half | right; x < p.n {
			return int(x)
		}
	}
}

// index returns the position of a value: the inverse of at.
func (p permutation) index(value int) int {
	x := uint64(value)
	for {
		left, right := x>>p.half, x&(1<<p.half-1)
		for round := uint64(feistelRounds); round > 0; round-- {
			left, right = right^p.round(round-1, left), left
		}
		if x = left<<p.half | right; x < p.n {
			return int(x)
		}
	}
}

func (p permutation) round(round, x uint64) uint64 {
	return mix(p.key^(round<<56|x)) & (1<<p.half - 1)
}
