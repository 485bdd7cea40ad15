package metrics

import (
	"slices"

	"github.com/protoway/protoway/consumer"
)

// gatewayCodes are the close codes that the gateway defines itself.
var gatewayCodes = []consumer.CloseCode{
	consumer.CloseSlow, consumer.CloseIdle, consumer.CloseHandshake, consumer.CloseByServer,
	consumer.CloseTooFast, consumer.CloseTooMany, consumer.CloseStalled,
	consumer.CloseNoHello, consumer.CloseRefused, consumer.CloseDisconnected,
}

// closeLabel is the code of a close frame, which a client may choose freely up
// to 4999, or "other" if neither RFC 6455 (1000 to 1015) nor the gateway
// defines it.
func closeLabel(code consumer.CloseCode) string {
	if code >= 1000 && code <= 1015 || slices.Contains(gatewayCodes, code) {
		return code.String()
	}
	return "other"
}
