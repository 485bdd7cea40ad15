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
		progress := f.Control.(*protowayv1.Progress)
		dst = append(appendProtoSocketHeaders(dst, protoSocketProgress, f.Tag), '{')
		dst = appendJSONText(dst, "key", f.Tag)
		dst = strconv.AppendFloat(appendJSONKey(dst, "progress"), finite(progress.GetValue()), 'g', -1, 64)
		dst = appendJSONText(dst, "info", progress.GetInfo())
		return append(dst, '}', '}'), nil
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
		text := e.Text
		if text == "" {
			text = e.Code.String()
		}
		dst = appendJSONText(dst, "errorMessage", text)
		if code := protoSocketCode(e); code != 0 {
			dst = strconv.AppendInt(appendJSONKey(dst, "errorCode"), int64(code), 10)
		}
	}
	return append(dst, '}', '}')
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
		return int32(e.Code.HTTP()) //nolint:gosec // a status of HTTP has three digits
	}
}

// finite returns v, or 0 for what JSON has no number for.
func finite(v float64) float64 {
	if v-v != 0 {
		return 0
	}
	return v
}
