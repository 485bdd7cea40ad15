package django_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"

	"github.com/protoway/protoway/internal/testpostgres"
)

var update = flag.Bool("update", false, "write the fixtures anew, with the Django of make tools-python")

func TestMain(m *testing.M) { goleak.VerifyTestMain(server{m}) }

// server ends the PostgreSQL of the tests.
type server struct{ *testing.M }

func (s server) Run() int { return testpostgres.Main(s.M) }
