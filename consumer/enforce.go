package consumer

import (
	"fmt"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// Enforceable says which rule of a message this server cannot enforce. A rule
// is never ignored in silence. client_cache is not among them: it is an
// instruction to clients.
func Enforceable(e *wire.Entry) error {
	limit := e.Rules.GetRateLimit()
	switch {
	case limit != nil && limit.GetCount() == 0:
		return fmt.Errorf("%s: the rate_limit allows nothing: state a count of at least 1", e.Name())
	case limit.GetPer() != nil && limit.GetPer().AsDuration() <= 0:
		return fmt.Errorf("%s: the period of the rate_limit is not positive", e.Name())
	case e.Rules.GetDedupe() == protowayv1.Rules_SHARED:
		return fmt.Errorf("%s: dedupe: SHARED needs a store that nodes share, which this version has not: state LOCAL or NONE", e.Name())
	case e.Rules.GetSlowConsumer().GetPolicy() > protowayv1.SlowConsumer_LATEST:
		return fmt.Errorf("%s: slow_consumer %s is not known to this version", e.Name(), e.Rules.GetSlowConsumer().GetPolicy())
	}
	return nil
}
