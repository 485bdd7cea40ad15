package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire/protojson"
)

// said is a message of the server as programs read it.
type said struct {
	Time    *time.Time      `json:"time,omitempty"`
	Type    string          `json:"type"`
	Group   string          `json:"group,omitempty"`
	Body    json.RawMessage `json:"body"`
	Payload []byte          `json:"payload,omitempty"` // base64, where the schema does not know it
	// Correlated says that it is no reply but came for the same message.
	Correlated bool `json:"correlated,omitempty"`
}

func newSaid(in incoming) said {
	s := said{Type: in.Type, Group: in.Group, Body: in.Body, Correlated: in.Correlated}
	if s.Body == nil {
		s.Payload = in.Payload
	}
	return s
}

// failed is an error as programs read it.
type failed struct {
	Code         string            `json:"code,omitempty"`
	Text         string            `json:"text"`
	AppCode      int32             `json:"app_code,omitempty"`
	RetryAfterMS int64             `json:"retry_after_ms,omitempty"`
	Details      []json.RawMessage `json:"details,omitempty"`
}

func (t *target) newFailed(err error) failed {
	var native *status.Error
	var other *protoSocketError
	why := t.explain(err)
	switch {
	case errors.As(why, &native):
		f := failed{Code: native.Code.String(), Text: native.Text, AppCode: native.AppCode, RetryAfterMS: native.RetryAfter.Milliseconds()}
		for _, detail := range native.Details {
			f.Details = append(f.Details, detailJSON(detail))
		}
		return f
	case errors.As(why, &other):
		return failed{Text: other.text, AppCode: other.code}
	default:
		return failed{Text: why.Error()}
	}
}

// detailJSON returns a detail as JSON; in base64 if this program does not know it.
func detailJSON(detail *anypb.Any) json.RawMessage {
	if encoded, err := (protojson.Options{}).Append(nil, detail); err == nil {
		return encoded
	}
	encoded, _ := json.Marshal(map[string]string{ // texts can always be encoded
		"@type": detail.GetTypeUrl(), "value": base64.StdEncoding.EncodeToString(detail.GetValue()),
	})
	return encoded
}

// describe returns an error for a person: code and text, what to do, and the rest
// of what the server said.
func (t *target) describe(err error) error {
	f := t.newFailed(err)
	lines := []string{t.explain(err).Error()}
	if f.RetryAfterMS > 0 {
		lines = append(lines, fmt.Sprintf("  retry after: %s", time.Duration(f.RetryAfterMS)*time.Millisecond))
	}
	for _, detail := range f.Details {
		lines = append(lines, "  detail: "+string(tame(detail)))
	}
	return errors.New(t.hide(strings.Join(lines, "\n")))
}

// lost says that there is no connection, why, and when there may be one.
func (t *target) lost(err error, wait time.Duration) string {
	why := t.hide(t.explainLoss(err).Error())
	if _, how, cut := strings.Cut(why, "failed to get reader: "); cut { // nobody said why
		why = "it was cut (" + strings.TrimSpace(how[strings.LastIndex(how, ": ")+1:]) + ")"
	}
	return "connection lost: " + sentence(why, "trying again in "+wait.Round(time.Millisecond).String())
}

// hide takes the token out of a text: a URL may be part of it.
func (t *target) hide(text string) string {
	if t.token != nil {
		if token, err := t.token(); err == nil {
			text = strings.ReplaceAll(text, token, "…")
		}
	}
	if inURL := t.url.Query().Get("token"); inURL != "" {
		text = strings.ReplaceAll(text, inURL, "…")
	}
	return text
}

// fail ends a command with what the server or the network said.
func (t *target) fail(cmd *cobra.Command, asJSON bool, err error) error {
	if err == nil || errors.Is(err, errSaid) || errors.As(err, new(usageError)) {
		return err
	}
	if !asJSON {
		return t.describe(err)
	}
	f := t.newFailed(err)
	f.Text = t.hide(f.Text)
	return errors.Join(errSaid, printLine(cmd.OutOrStdout(), map[string]failed{"error": f}))
}

// printLine prints a value as one line of JSON.
func printLine(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// tame writes JSON so that it cannot move the cursor: what a terminal obeys can
// only stand in texts, where it may be escaped.
func tame(text []byte) []byte {
	var out bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r >= 0x7f && r < 0xa0 {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.Write(text[:size])
		}
		text = text[size:]
	}
	return out.Bytes()
}

// oneLine returns a body on one line.
func oneLine(in incoming) string {
	if in.Body == nil {
		return fmt.Sprintf("(%d bytes; --schema shows them)", len(in.Payload))
	}
	var out bytes.Buffer
	if json.Compact(&out, in.Body) != nil {
		return printable(string(in.Body))
	}
	return string(tame(out.Bytes()))
}

// indented returns a body on several lines.
func indented(in incoming) string {
	var out bytes.Buffer
	if in.Body == nil || json.Indent(&out, in.Body, "", "  ") != nil {
		return oneLine(in)
	}
	return string(tame(out.Bytes()))
}

// parseBody checks a body of the command line.
func parseBody(text string) (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return nil, fmt.Errorf("the body is no JSON object: %w; write one such as '{\"room\":\"tea\"}'", err)
	}
	if object == nil {
		return nil, errors.New("the body is no JSON object but null; write one such as '{\"room\":\"tea\"}'")
	}
	return json.RawMessage(text), nil
}
