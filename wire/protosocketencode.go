package wire

import (
	"strconv"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

// Types that the dialect reserves.
const (
	protoSocketAck          = "ack"
	protoSocketProgress     = "async-progress"
	protoSocketTokenInvalid = "token-invalid"
)

// appendProtoSocket encodes f. The dialect has no words for the handshake, for
// memberships and heartbeats: nothing is appended for them.
func appendProtoSocket(dst []byte, catalog *Catalog, f *Frame) ([]byte, error) {
	switch f.Kind {
	case KindMessage:
		value, err := f.Message.value(catalog)
		if err != nil {
			return dst, err
		}
		dst = appendProtoSocketHeaders(dst, f.Message.Type, f.Tag)
		dst, err = protoSocketOptions.Append(dst, value)
		return append(dst, '}'), err
	case KindAck:
		return appendProtoSocketAck(dst, f), nil
	case KindProgress:
		// Without a uuid: a client that waits for a reply would take it for that.
		dst = appendProtoSocketHeaders(dst, protoSocketProgress, "")
		dst, err := protoSocketOptions.Append(dst, protoSocketProgressOf(f))
		return append(dst, '}'), err
	case KindAuthenticate:
		return append(appendProtoSocketHeaders(dst, protoSocketTokenInvalid, ""), '{', '}', '}'), nil
	default:
		return dst, nil
	}
}

// appendProtoSocketHeaders begins a frame, up to its body.
func appendProtoSocketHeaders(dst []byte, typ, uuid string) []byte {
	dst = append(dst, `{"headers":{`...)
	dst = appendJSONText(dst, "messageType", typ)
	dst = appendJSONText(dst, "uuid", uuid)
	return append(dst, `},"body":`...)
}

// appendProtoSocketAck encodes an ack. One of success has neither errorMessage
// nor errorCode: clients take an empty one for an error, or an error for success.
func appendProtoSocketAck(dst []byte, f *Frame) []byte {
	dst = append(appendProtoSocketHeaders(dst, protoSocketAck, f.Tag), '{')
	dst = appendJSONText(dst, "uuid", f.Tag)
	if e := f.Ack.Error; e != nil {
		dst = appendJSONText(dst, "errorMessage", protoSocketText(e))
		if code := protoSocketCode(e); code != 0 {
			dst = strconv.AppendInt(appendJSONKey(dst, "errorCode"), int64(code), 10)
		}
	}
	return append(dst, '}', '}')
}

// protoSocketProgressOf returns how far a frame has come, or how it ended.
func protoSocketProgressOf(f *Frame) *protowayv1.AsyncProgress {
	progress := f.Control.(*protowayv1.Progress)
	out := &protowayv1.AsyncProgress{Key: f.Tag, Progress: finite(progress.GetValue()), Info: progress.GetInfo(), Done: f.Done}
	if e := f.Ack.Error; e != nil {
		out.ErrorMessage, out.ErrorCode = protoSocketText(e), protoSocketCode(e)
	}
	return out
}

// protoSocketText returns the text of an error, which is never empty: clients
// would take it for success.
func protoSocketText(e *status.Error) string {
	if e.Text == "" {
		return e.Code.String()
	}
	return e.Text
}

// protoSocketCode returns the code of an error: the application's own, none for
// an application that stated none, else that of HTTP.
func protoSocketCode(e *status.Error) int32 {
	switch {
	case e.AppCode != 0:
		return e.AppCode
	case e.Code == status.Unknown:
		return 0
	default:
		return int32(e.HTTP()) //nolint:gosec // a status of HTTP has three digits
	}
}

// finite returns v, or 0 for what JSON has no number for.
func finite(v float64) float64 {
	if v-v != 0 {
		return 0
	}
	return v
}
