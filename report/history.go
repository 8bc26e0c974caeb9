package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/wpsbench/wpsbench/report/compare"
)

// WriteHistory writes a history as CSV with a header, a line per run. Texts of others are
// made visible, and none is a formula to a spreadsheet.
func WriteHistory(w io.Writer, h *compare.History) error {
	out := csv.NewWriter(w)
	_ = out.Write(h.Header) // Error tells
	for _, row := range h.Rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cells[i] = Visible(cell, true); strings.ContainsAny(cells[i][:min(1, len(cells[i]))], "=+-@") {
				cells[i] = "'" + cells[i]
			}
		}
		_ = out.Write(cells)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}
