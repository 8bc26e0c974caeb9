package report

import "github.com/wpsbench/wpsbench/metrics"

// needs says how long steady state must last for a percentile that has too few samples;
// "" where that is not what it lacks. Such a percentile is never extrapolated.
func needs(r *metrics.Run, metric, key string) string {
	seconds, ok := r.Metrics[metric].Needs(key, r.SteadySeconds())
	if !ok {
		return ""
	}
	return "needs " + metrics.RoughLength(seconds) + " at this rate"
}

// needed tells of the percentiles of a table's row that lack samples: the first of them
// is the one that a longer run gives first.
func needed(r *metrics.Run, metric string, keys ...string) string {
	for _, key := range keys {
		if text := needs(r, metric, key); text != "" {
			return percentileName(key) + " – " + text
		}
	}
	return ""
}

func percentileName(key string) string {
	if key == "p99_9" {
		return "p99.9"
	}
	return key
}
