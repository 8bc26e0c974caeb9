package compare

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
)

// testdata/oracle.R says what R computes, and how its answers were made.
func TestAgainstR(t *testing.T) {
	f, err := os.Open("testdata/oracle.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	given := map[string][]float64{}
	asked := map[string]int{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, values := oracleLine(t, lines.Text())
		check := oracle[name]
		if check == nil {
			given[name] = values
			continue
		}
		asked[name]++
		check(t, given, values)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range oracle {
		if asked[name] == 0 {
			t.Errorf("R says nothing of %q", name)
		}
	}
}

func oracleLine(t *testing.T, line string) (name string, values []float64) {
	t.Helper()
	fields := strings.Split(line, "\t")
	for _, text := range fields[1:] {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%s: %v", fields[0], err)
		}
		values = append(values, v)
	}
	return fields[0], values
}

// exactly is how near our arithmetic and R's must be.
const exactly = 1e-9

// oracle holds our answer to each question that R has answered, of the lines given before.
var oracle = map[string]func(t *testing.T, given map[string][]float64, want []float64){
	"critical": func(t *testing.T, _ map[string][]float64, want []float64) {
		_, hi := estimate{0, 1, want[1]}.interval(want[0])
		near(t, "critical value", hi, want[2], exactly)
	},
	"paired": func(t *testing.T, given map[string][]float64, want []float64) {
		e, _ := paired(given["pairs"])
		sameEstimate(t, "paired", e, want)
	},
	"above": func(t *testing.T, given map[string][]float64, want []float64) {
		e, _ := paired(given["pairs"])
		near(t, "p above a limit", e.above(want[0]), want[1], exactly)
	},
	"sign flip": func(t *testing.T, given map[string][]float64, want []float64) {
		p, ok := signFlip(given["pairs"])
		if !ok {
			t.Errorf("%d pairs are refused", len(given["pairs"]))
		}
		near(t, "sign flip", p, want[0], exactly)
	},
	"welch": func(t *testing.T, given map[string][]float64, want []float64) {
		e, _ := unpaired(given["side a"], given["side b"])
		sameEstimate(t, "unpaired", e, want)
	},
	"holm": func(t *testing.T, given map[string][]float64, want []float64) {
		for i, p := range holm(given["p"]) {
			near(t, "adjusted p", p, want[i], exactly)
		}
	},
	"mad": func(t *testing.T, given map[string][]float64, want []float64) {
		near(t, "noise floor", noiseFloor(given["noise"]), want[0], exactly)
	},
	"inflation": func(t *testing.T, given map[string][]float64, want []float64) {
		near(t, "inflation", inflation(given["series"]), want[0], exactly)
	},
}

// sameEstimate compares with confidence, mean, degrees of freedom and both ends of the interval.
func sameEstimate(t *testing.T, what string, e estimate, want []float64) {
	t.Helper()
	lo, hi := e.interval(want[0])
	for i, got := range []float64{e.mean, e.df, lo, hi} {
		near(t, what+" "+[]string{"mean", "df", "low", "high"}[i], got, want[i+1], exactly)
	}
}
