// Package report turns the record of a run into what people and programs read.
//
// Every output is a pure function of one [metrics.Run]: no clock, no network, no
// random choice, and byte for byte the same for the same record. [WriteJSON]
// stores the record and [ReadRun] brings it back, from the JSON document or from
// the page that [WriteHTML] makes, so that a stored run can be rendered and judged
// again. [WriteText] is the summary a terminal shows.
//
// Names in a record come from scenarios, servers and close frames and are hostile:
// before anything is rendered for people, characters that could change how text is
// read (controls, bidi overrides) are replaced by visible escapes and long texts
// are cut. Escaping for HTML and SVG comes on top of that.
package report
