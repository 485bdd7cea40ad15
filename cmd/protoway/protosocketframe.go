package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Types that Proto Socket reserves; see docs/dialects/proto-socket.md.
const (
	protoSocketAck          = "ack"
	protoSocketProgress     = "async-progress"
	protoSocketTokenInvalid = "token-invalid"
	protoSocketVerifyToken  = "verify-token"
)

// protoSocketVersion is the API version that clients of Proto Socket state.
const protoSocketVersion = 1

// protoSocketFrame is a frame of a client.
type protoSocketFrame struct {
	Headers protoSocketHeaders `json:"headers"`
	Body    json.RawMessage    `json:"body"`
}

type protoSocketHeaders struct {
	MessageType string  `json:"messageType"`
	AuthHeader  *string `json:"authHeader"`
	Ack         bool    `json:"ack"`
	UUID        string  `json:"uuid"`
	EventTime   int64   `json:"eventTime"`
	LocalTime   int64   `json:"localTime"`
	RetryCount  int     `json:"retryCount"`
	APIVersion  int     `json:"apiVersion"`
}

// newProtoSocketFrame returns the frame of a message. Sent again it differs in
// its count only.
func newProtoSocketFrame(m outgoing, token string, ack bool) *protoSocketFrame {
	now := time.Now().UnixMilli()
	f := &protoSocketFrame{Body: m.body, Headers: protoSocketHeaders{
		MessageType: m.kind, Ack: ack, UUID: m.key, EventTime: now, LocalTime: now, APIVersion: protoSocketVersion,
	}}
	if token != "" {
		f.Headers.AuthHeader = &token
	}
	return f
}

// protoSocketSaid is a frame of the server.
type protoSocketSaid struct {
	Headers struct {
		MessageType string `json:"messageType"`
		UUID        string `json:"uuid"`
	} `json:"headers"`
	Body json.RawMessage `json:"body"`
}

func readProtoSocket(message []byte) (*protoSocketSaid, error) {
	said := new(protoSocketSaid)
	if err := json.Unmarshal(message, said); err != nil {
		return nil, fmt.Errorf("a frame of the server is no JSON: %w", err)
	}
	if said.Headers.MessageType == "" {
		return nil, errors.New("a frame of the server has no messageType: is it a server of Proto Socket?")
	}
	if len(said.Body) == 0 || string(said.Body) == "null" {
		said.Body = json.RawMessage("{}")
	}
	return said, nil
}

// failure returns what the body of an ack says went wrong; nil if nothing did.
func (s *protoSocketSaid) failure() error {
	var body struct {
		ErrorMessage string `json:"errorMessage"`
		ErrorCode    int32  `json:"errorCode"`
	}
	if err := json.Unmarshal(s.Body, &body); err != nil {
		return fmt.Errorf("an ack of the server cannot be read: %w", err)
	}
	if body.ErrorMessage == "" {
		return nil
	}
	return &protoSocketError{body.ErrorMessage, body.ErrorCode}
}

// progress returns how far a frame has come.
func (s *protoSocketSaid) progress() (key string, value float64, info string) {
	var body struct {
		Key      string          `json:"key"`
		Progress json.RawMessage `json:"progress"` // NaN is text
		Info     string          `json:"info"`
	}
	if json.Unmarshal(s.Body, &body) == nil {
		value, _ = strconv.ParseFloat(string(body.Progress), 64)
	}
	return body.Key, value, body.Info
}

// protoSocketError is an ack of an error: a text and a code, which is the
// application's own or that of HTTP.
type protoSocketError struct {
	text string
	code int32
}

// Error returns the code and the text.
func (e *protoSocketError) Error() string {
	if e.code == 0 {
		return e.text
	}
	return fmt.Sprintf("%d: %s", e.code, e.text)
}
