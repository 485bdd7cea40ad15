package metrics_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/protoway/protoway/consumer"
)

// A code that the gateway gets later must not vanish in "other".
func TestEveryCloseCodeOfTheGatewayIsCounted(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../consumer/conn.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	m := newMetrics()
	want := map[string]float64{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		name, ok := spec.Type.(*ast.Ident)
		if !ok || name.Name != "CloseCode" {
			return true
		}
		text := spec.Values[0].(*ast.BasicLit).Value
		number, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		m.Closed("chat", "json", consumer.CloseCode(number))
		want[`protoway_connections_closed_total{code="`+text+`",dialect="json",path="chat"}`] = 1
		return true
	})
	if len(want) < 10 {
		t.Fatalf("found only %d close codes", len(want))
	}
	expect(t, scrape(t, m), want)
}
