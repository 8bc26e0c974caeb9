package main

// leastCeiling is below what any use of a generator needs, in messages per second.
const leastCeiling = 1000

// highestHeld finds the highest rate that try holds, to an eighth: it doubles from first
// on, up to most, until a rate is missed, then halves the distance to what was held. A
// machine is never quite alone, so a rate is missed only by missing it twice. 0 = not
// even leastCeiling was held; most = no rate was missed.
func highestHeld(first, most int, try func(rate int) (held bool, err error)) (int, error) {
	held, missed := 0, 0 // of missed 0: none yet
	for rate := min(first, most); ; {
		ok, err := try(rate)
		if err == nil && !ok {
			ok, err = try(rate)
		}
		if err != nil {
			return 0, err
		}
		if ok {
			held = rate
		} else {
			missed = rate
		}
		switch {
		case held == most, missed > 0 && held > 0 && missed-held <= max(1, held/8):
			return held, nil
		case missed == 0:
			rate = min(2*held, most)
		default:
			rate = (held + missed) / 2
		}
		if rate < min(leastCeiling, most) {
			return 0, nil
		}
	}
}
