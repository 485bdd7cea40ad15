package protojson_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/protoway/protoway/wire/protojson"
	"github.com/protoway/protoway/wire/protojson/internal/jsontest"
)

var styles = []protojson.NameStyle{protojson.JSONNames, protojson.KeepDigits, protojson.ProtoNames}

func allNames() *jsontest.Names {
	return &jsontest.Names{
		SnakeCase: 1, CamelCase: 2, PascalCase: 3, Key_0: 4, XLeading: 5, Double_Underscore: 6,
		Trailing_: 7, A_1B_2C: 8, Custom: 9, Quoted: 10, Mixed_Case: 11,
	}
}

func TestNameStyles(t *testing.T) {
	for style, want := range map[protojson.NameStyle]string{
		protojson.JSONNames: `{"snakeCase":1,"camelCase":2,"PascalCase":3,"key0":4,"Leading":5,"doubleUnderscore":6,` +
			`"trailing":7,"a1b2c":8,"other":9,"a \"name\"\n":10,"mixedCase":11}`,
		protojson.KeepDigits: `{"snakeCase":1,"camelCase":2,"PascalCase":3,"key_0":4,"_leading":5,"double_Underscore":6,` +
			`"trailing_":7,"a_1b_2c":8,"custom":9,"quoted":10,"mixed_Case":11}`,
		protojson.ProtoNames: `{"snake_case":1,"camelCase":2,"PascalCase":3,"key_0":4,"_leading":5,"double__underscore":6,` +
			`"trailing_":7,"a_1b_2c":8,"custom":9,"quoted":10,"mixed_Case":11}`,
		99: `{"snakeCase":1,"camelCase":2,"PascalCase":3,"key0":4,"Leading":5,"doubleUnderscore":6,` +
			`"trailing":7,"a1b2c":8,"other":9,"a \"name\"\n":10,"mixedCase":11}`,
	} {
		if got := write(t, protojson.Options{Names: style}, allNames()); got != want {
			t.Errorf("style %d\ngot  %s\nwant %s", style, got, want)
		}
		for _, reader := range styles {
			if got := read(t, protojson.Options{Names: reader}, want, &jsontest.Names{}); !proto.Equal(got, allNames()) {
				t.Errorf("style %d read in style %d: %v", style, reader, got)
			}
		}
	}
}

func TestLooseNames(t *testing.T) {
	for in, want := range map[string]*jsontest.Names{
		`{"SnakeCase":1}`:        {SnakeCase: 1},
		`{"snake__case_":1}`:     {SnakeCase: 1},
		`{"camel_case":2}`:       {CamelCase: 2},
		`{"pascalCase":3}`:       {PascalCase: 3},
		`{"pascal_case":3}`:      {PascalCase: 3},
		`{"Key0":4}`:             {Key_0: 4},
		`{"leading":5}`:          {XLeading: 5},
		`{"doubleUnderscore":6}`: {Double_Underscore: 6},
		`{"trailing":7}`:         {Trailing_: 7},
		`{"A1b2c":8}`:            {A_1B_2C: 8},
		`{"\u006fther":9}`:       {Custom: 9},
		`{"snakecase":1}`:        {},
		`{"SNAKE_CASE":1}`:       {},
		`{"snake-case":1}`:       {},
		`{"":1}`:                 {},
		`{"_":1}`:                {},
		`{"key_00":4}`:           {},
	} {
		for _, style := range styles {
			if got := read(t, protojson.Options{Names: style}, in, &jsontest.Names{}); !proto.Equal(got, want) {
				t.Errorf("%s in style %d: %v", in, style, got)
			}
		}
	}
}

// What a style writes it reads back, also where a field bears the declared name of another.
func TestExactNamesWin(t *testing.T) {
	m := &jsontest.Swapped{Left: 1, Right: 2}
	for style, want := range map[protojson.NameStyle]string{
		protojson.JSONNames:  `{"right":1,"left":2}`,
		protojson.KeepDigits: `{"left":1,"right":2}`,
		protojson.ProtoNames: `{"left":1,"right":2}`,
	} {
		options := protojson.Options{Names: style}
		if got := write(t, options, m); got != want {
			t.Errorf("style %d: %s", style, got)
		}
		if got := read(t, options, want, &jsontest.Swapped{}); !proto.Equal(got, m) {
			t.Errorf("style %d: %v", style, got)
		}
	}
}

// A spelling that fits two fields means neither, unless it is the very name of one.
func TestSharedSpelling(t *testing.T) {
	for in, want := range map[string]*jsontest.Borrowed{
		`{"fooBar":1,"FooBar":2}`: {FooBar: 1, Third: 2},
		`{"foo__bar":1}`:          {},
		`{"Third":2}`:             {Third: 2},
	} {
		for _, style := range styles {
			if got := read(t, protojson.Options{Names: style}, in, &jsontest.Borrowed{}); !proto.Equal(got, want) {
				t.Errorf("%s in style %d: %v", in, style, got)
			}
		}
	}
}

// proto2 allows names that differ in the schema only: they are told apart by their declared names.
func TestClashingNames(t *testing.T) {
	m := &jsontest.Clash{Key0: new(int32(1)), Key_0: new(int32(2)), FooBar: new(int32(3))}
	for _, style := range []protojson.NameStyle{protojson.JSONNames, protojson.ProtoNames} {
		options := protojson.Options{Names: style}
		out := write(t, options, m)
		if got := read(t, options, out, &jsontest.Clash{}); !proto.Equal(got, m) {
			t.Errorf("style %d: %s is %v", style, out, got)
		}
	}
	if got := read(t, protojson.Options{}, `{"Key0":1}`, &jsontest.Clash{}); !proto.Equal(got, &jsontest.Clash{}) {
		t.Errorf("a spelling of two fields was read as %v", got)
	}
}

// A descriptor that no compiler checked may hold anything; what is written is JSON all the same.
func TestNameThatIsNotUTF8(t *testing.T) {
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("odd.proto"), Syntax: new("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: new("Odd"),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: new("odd"), JsonName: new("a\xff\n"), Number: new(int32(1)),
				Type:  descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := read(t, protojson.Options{}, `{"odd":"x"}`, dynamicpb.NewMessage(file.Messages().Get(0)))
	const want = `{"a_\n":"x"}`
	if got := write(t, protojson.Options{}, m); got != want {
		t.Error(got)
	}
	if got := write(t, protojson.Options{}, read(t, protojson.Options{}, want, m)); got != want {
		t.Errorf("read again as %s", got)
	}
}
