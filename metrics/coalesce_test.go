package metrics

import (
	"encoding/json"
	"testing"
)

func TestCoalesced(t *testing.T) {
	const seven = `{"interval_s":1,"columns":{
		"t_s":             [10,11,12,13,14,15,16],
		"delivered_per_s": [ 3, 6, 0, null, 9, 3, 30],
		"acked_per_s":     [null,null,null, 1,1,1, null],
		"e2e_p99_us":      [ 5, 7, 6, null,null,null, 4],
		"open":            [ 1, 2, 2, 2,1,2, 2],
		"untrusted":       [null,0,0, 0,1,0, 0]},
		"heatmap":{"rows_per_octave":4,"cells":[[0,3,1],[1,2,1,4],[3,2,1],[5,9,2],[6,3,1]]}}`
	tests := []struct {
		name string
		most int
		want string
	}{
		{"short enough", 7, seven},
		{"by three", 3, `{"interval_s":3,"columns":{
			"t_s":             [10,13,16],
			"delivered_per_s": [ 3, 4,10],
			"acked_per_s":     [null,1,null],
			"e2e_p99_us":      [ 7,null,4],
			"open":            [ 2, 2, 2],
			"untrusted":       [ 0, 1, 0]},
			"heatmap":{"rows_per_octave":4,"cells":[[0,2,1,5],[1,2,1],[1,9,2],[2,3,1]]}}`},
		{"to one", 1, `{"interval_s":7,"columns":{
			"t_s": [10], "delivered_per_s": [7.285714285714286], "acked_per_s": [0.42857142857142855],
			"e2e_p99_us": [7], "open": [2], "untrusted": [1]},
			"heatmap":{"rows_per_octave":4,"cells":[[0,2,2,6],[0,9,2]]}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := json.Marshal(seriesOf(t, seven).Coalesced(tt.most))
			if err != nil {
				t.Fatal(err)
			}
			want, err := json.Marshal(seriesOf(t, tt.want))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	t.Run("without a heat map", func(t *testing.T) {
		s := seriesOf(t, seven)
		s.Heatmap = nil
		if got := s.Coalesced(1).Heatmap; got != nil {
			t.Errorf("heat map %v, want none", got)
		}
	})
}

func seriesOf(t *testing.T, text string) (s Series) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}
