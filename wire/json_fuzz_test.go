package wire_test

import (
	"testing"

	"github.com/wpsbench/wpsbench/wire"
)

// The decoders must accept exactly what the reference over encoding/json accepts, and
// yield the same; what they yield must survive our encoder.

func FuzzDownstream(f *testing.F) {
	for _, tt := range publishedDownstream {
		f.Add(b(tt.text))
	}
	f.Add(b(`{"data":"AQID\n","dataType":"Binary","from":"server","type":"message","metadata":{}}`))
	f.Add(b(`{"type":"ack","success":false,"ackId":1,"error":{"n\u0061me":"\ud83d","message":null}}`))
	var d wire.Decoder
	f.Fuzz(func(t *testing.T, text []byte) {
		var got wire.Downstream
		err := d.Downstream(text, &got)
		want, wantErr := referenceDownstream(text)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%s\ngot error %v, reference %v", text, err, wantErr)
		}
		if err != nil {
			return
		}
		if show(got) != show(want) {
			t.Fatalf("%s\ngot       %s\nreference %s", text, show(got), show(want))
		}
		if got.Kind != wire.DownstreamUnknown {
			encoded := wire.AppendDownstream(nil, &got)
			wantDownstream(t, &d, string(encoded), want)
		}
	})
}

func FuzzUpstream(f *testing.F) {
	for _, tt := range publishedUpstream {
		f.Add(b(tt.text))
	}
	f.Add(b(`{"type":"event","event":"E.-_9","metadata":{"a":"b","\u0062":""},"data":[1e5,"\u00e9"]}`))
	f.Add(b(`{"group":" ","data":"","noEcho":null,"ttlSeconds":300,"stream":{},"type":"SENDTOGROUP"}`))
	var d wire.Decoder
	f.Fuzz(func(t *testing.T, text []byte) {
		var got wire.Upstream
		err := d.Upstream(text, &got)
		want, wantErr := referenceUpstream(text)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%s\ngot error %v, reference %v", text, err, wantErr)
		}
		if err != nil {
			return
		}
		if show(got) != show(want) {
			t.Fatalf("%s\ngot       %s\nreference %s", text, show(got), show(want))
		}
		encoded := wire.AppendUpstream(nil, &got)
		wantUpstream(t, &d, string(encoded), want)
	})
}
