package protojson_test

import (
	"testing"

	googlejson "google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/protoway/protoway/wire/protojson"
	"github.com/protoway/protoway/wire/protojson/internal/jsontest"
)

var benchmarks = []struct {
	name string
	text string
	m    proto.Message
}{
	{"small", `{"name":"a message of chat","big":"1700000000123"}`, &jsontest.Inner{}},
	{"all", seeds[0][0][:len(seeds[0][0])-1] + "," + seeds[0][1][1:len(seeds[0][1])-1] + `,"meta":{"k":"v","l":"w"},"counts":{"a":"5"},"byNum":{"7":"seven"},"dateCreated":"1700000000123","oneB":1}`, &jsontest.AllTypes{}},
	{"struct", `{"rows":[{"id":1,"name":"first","tags":["a","b"],"ok":true},{"id":2,"name":"second","tags":[],"ok":null}],"total":2}`, &structpb.Struct{}},
}

func BenchmarkAppend(b *testing.B) {
	for _, bench := range benchmarks {
		m := proto.Clone(bench.m)
		if err := googlejson.Unmarshal([]byte(bench.text), m); err != nil {
			b.Fatal(err)
		}
		b.Run(bench.name+"/ours", func(b *testing.B) {
			var buf []byte
			for b.Loop() {
				buf, _ = protojson.Options{}.Append(buf[:0], m)
			}
			b.SetBytes(int64(len(buf)))
		})
		b.Run(bench.name+"/reference", func(b *testing.B) {
			var buf []byte
			for b.Loop() {
				buf, _ = googlejson.MarshalOptions{}.MarshalAppend(buf[:0], m)
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	for _, bench := range benchmarks {
		m := proto.Clone(bench.m)
		b.Run(bench.name+"/ours", func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			for b.Loop() {
				if err := (protojson.Options{}).Unmarshal([]byte(bench.text), m); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bench.name+"/reference", func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			for b.Loop() {
				if err := (googlejson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(bench.text), m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
