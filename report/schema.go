package report

import (
	_ "embed" // the schema is a file of its own
	"slices"
)

//go:embed schema/run.schema.json
var runSchema []byte

// RunSchema returns the JSON Schema (draft 2020-12) of the run record. It names every
// key that is always present and allows others, since a minor version may add keys.
// The caller owns the slice.
func RunSchema() []byte { return slices.Clone(runSchema) }

//go:embed schema/compare.schema.json
var compareSchema []byte

// CompareSchema returns the JSON Schema (draft 2020-12) of a comparison, on the same terms.
func CompareSchema() []byte { return slices.Clone(compareSchema) }
