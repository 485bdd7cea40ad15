package wire

import (
	"math"
	"time"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

// Proto returns the position as frames carry it; nil for no place.
func (p Position) Proto() *protowayv1.Position {
	if p == (Position{}) {
		return nil
	}
	return &protowayv1.Position{Epoch: p.Epoch, Offset: p.Offset, Tag: p.Tag}
}

// PositionFrom returns a position that a frame carried.
func PositionFrom(p *protowayv1.Position) Position {
	return Position{Epoch: p.GetEpoch(), Offset: p.GetOffset(), Tag: p.GetTag()}
}

// ackError returns what an ack says went wrong; nil if nothing.
func ackError(ack *protowayv1.Ack) *status.Error {
	if ack.GetCode() == protowayv1.Code_OK {
		return nil
	}
	return &status.Error{
		Code:       status.Code(ack.GetCode()),
		Text:       ack.GetText(),
		AppCode:    ack.GetAppCode(),
		RetryAfter: time.Duration(ack.GetRetryAfterMs()) * time.Millisecond,
		Details:    ack.GetDetails(),
	}
}

// retryAfterMs returns a delay in milliseconds, rounded up, as acks carry it.
func retryAfterMs(err *status.Error) uint32 {
	ms := (err.RetryAfter + time.Millisecond - 1) / time.Millisecond
	return uint32(min(max(ms, 0), math.MaxUint32))
}
