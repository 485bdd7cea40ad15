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
	switch {
	case e.Rules.GetRateLimit() != nil:
		return fmt.Errorf("%s: rate_limit is not enforced by this version: remove it", e.Name())
	case e.Rules.GetDedupe() == protowayv1.Rules_SHARED:
		return fmt.Errorf("%s: dedupe: SHARED needs a store that nodes share, which this version has not: state LOCAL or NONE", e.Name())
	case e.Rules.GetSlowConsumer().GetPolicy() > protowayv1.SlowConsumer_DISCONNECT:
		return fmt.Errorf("%s: slow_consumer %s is not enforced by this version: state DISCONNECT", e.Name(), e.Rules.GetSlowConsumer().GetPolicy())
	}
	return nil
}
