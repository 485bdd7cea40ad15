package protoway_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/protoway/protoway/consumer"
)

// limitTests names for each limit the tests that run into it over a real socket.
var limitTests = map[string][]string{
	"MaxConnections":           {"TestConnectionsOfTheProcess"},
	"MaxConnectionsPerAddress": {"TestConnectionsOfAnAddress"},
	"MaxConnectionsPerUser":    {"TestConnectionsOfAUser"},
	"HandshakesPerSecond":      {"TestHandshakesPerSecond"},
	"HandshakeBurst":           {"TestHandshakeBurst"},
	"FramesPerSecond":          {"TestFramesPerSecond", "TestWhoGoesOnSendingIsClosed"},
	"FrameBurst":               {"TestFramesPerSecond"},
	"BytesPerSecond":           {"TestBytesPerSecond"},
	"ByteBurst":                {"TestBytesPerSecond"},
	"MaxMessageBytes":          {"TestOversizedMessageCloses"},
	"MaxInFlight":              {"TestTooManyInFlight"},
	"InFlightBytes":            {"TestInFlightBytes"},
	"MaxGroups":                {"TestGroupLimit", "TestTicketsBeyondMaxGroups"},
	"OutboxBytes":              {"TestOutboxBytes"},
	"HandshakeTimeout":         {"TestHandshakeIsAsked", "TestSlowRequestsAreCut"},
	"Heartbeat":                {"TestSilenceEndsAndHeartbeatsKeep"},
	"HandlerTimeout":           {"TestHandlerTimeout"},
	"ReadTimeout":              {"TestMessagesMustBeCompletedInTime"},
	"WriteTimeout":             {"TestStuckWriteIsAborted"},
	"DedupeWindow":             {"TestDedupeWindow"},
	"DedupePerUser":            {"TestKeysAreBounded"},
	"DedupeTotal":              {"TestKeysAreBounded", "TestStoredRepliesAreBounded"},
	"DedupeBytes":              {"TestStoredRepliesAreBounded"},
	"TicketLife":               {"TestTicketLife"},
	"TokenGrace":               {"TestTokenGrace", "TestTokenGraceEnds"},
}

// TestEveryLimitHasATest: each field of Limits is in the list, and each test of the
// list sets the field and exists.
func TestEveryLimitHasATest(t *testing.T) {
	sets := fieldsSetByTests(t)
	fields := map[string]bool{}
	for field := range reflect.TypeFor[consumer.Limits]().Fields() {
		fields[field.Name] = true
		if len(limitTests[field.Name]) == 0 {
			t.Errorf("no test runs into Limits.%s: write one and name it in limitTests", field.Name)
		}
	}
	for field, tests := range limitTests {
		if !fields[field] {
			t.Errorf("Limits has no field %s", field)
		}
		for _, test := range tests {
			switch set, exists := sets[test]; {
			case !exists:
				t.Errorf("%s, which should run into Limits.%s, does not exist", test, field)
			case !set[field]:
				t.Errorf("%s does not set Limits.%s", test, field)
			}
		}
	}
}

// fieldsSetByTests returns the keys of the composite literals in each test of this
// package.
func fieldsSetByTests(t *testing.T) map[string]map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	sets := map[string]map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				sets[fn.Name.Name] = keysIn(fn)
			}
		}
	}
	return sets
}

func keysIn(node ast.Node) map[string]bool {
	keys := map[string]bool{}
	ast.Inspect(node, func(n ast.Node) bool {
		if pair, ok := n.(*ast.KeyValueExpr); ok {
			if key, ok := pair.Key.(*ast.Ident); ok {
				keys[key.Name] = true
			}
		}
		return true
	})
	return keys
}
