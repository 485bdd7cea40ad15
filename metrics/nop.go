package metrics

import (
	"time"

	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/status"
)

// Nop counts nothing. Its zero value is ready; embed it in an observer that
// cares for a few events only.
type Nop struct{}

var _ consumer.Observer = Nop{}

// Opened does nothing.
func (Nop) Opened(string, string) {}

// Closed does nothing.
func (Nop) Closed(string, string, consumer.CloseCode) {}

// Acked does nothing.
func (Nop) Acked(string, status.Code) {}

// Handled does nothing.
func (Nop) Handled(string, time.Duration) {}

// Limited does nothing.
func (Nop) Limited(string) {}

// DeliveryDropped does nothing.
func (Nop) DeliveryDropped(string, string) {}

// Panicked does nothing.
func (Nop) Panicked(string) {}

// Published does nothing.
func (Nop) Published(string, int) {}

// PublicationDropped does nothing.
func (Nop) PublicationDropped(string, string) {}
