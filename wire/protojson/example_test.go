package protojson_test

import (
	"fmt"

	"github.com/protoway/protoway/wire/protojson"
	"github.com/protoway/protoway/wire/protojson/internal/jsontest"
)

func Example() {
	options := protojson.Options{Names: protojson.KeepDigits}

	in := &jsontest.AllTypes{}
	if err := options.Unmarshal([]byte(`{"key0": "k", "date_created": 1700000000123, "color": 2}`), in); err != nil {
		fmt.Println(err)
	}
	out, err := options.Append(nil, in)
	fmt.Println(string(out), err)

	err = options.Unmarshal([]byte(`{"items": [{}, {"big": "12x"}]}`), in)
	fmt.Println(err)
	// Output:
	// {"color":"blue","dateCreated":"1700000000123","key_0":"k"} <nil>
	// items[1].big: not an integer: "12x"
}
