// Package pb is the schema of the protobuf subprotocols (protocol.md 5) and what
// protoc makes of it. Only tests use it: it judges the codec of package wire,
// which reads and writes the same bytes without reflection and allocations.
package pb

// protoc is Debian's protobuf-compiler; the plugin's version is that of go.mod.
//go:generate sh -c "protoc --plugin=protoc-gen-go=$(go tool -n protoc-gen-go) --go_out=. --go_opt=paths=source_relative webpubsub.proto"
