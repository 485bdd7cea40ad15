package model_test

import (
	"testing"

	"github.com/protoway/protoway/cmd/internal/model"
)

func TestProblemsAreSorted(t *testing.T) {
	var problems model.Problems
	if err := problems.Err(); err != nil {
		t.Errorf("no problems are the error %v", err)
	}
	for _, at := range []model.Position{
		{File: "b.proto", Line: 1, Column: 1},
		{File: "a.proto", Line: 10, Column: 1},
		{File: "a.proto", Line: 9, Column: 20},
		{File: "a.proto", Line: 9, Column: 3},
	} {
		problems.Add(at, "what", "text", "mend")
	}
	const want = `a.proto:9:3: what: text; mend
a.proto:9:20: what: text; mend
a.proto:10:1: what: text; mend
b.proto:1:1: what: text; mend`
	if got := problems.Err().Error(); got != want {
		t.Errorf("problems\n%s\nwant\n%s", got, want)
	}
}
