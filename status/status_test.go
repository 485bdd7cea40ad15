package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

func TestFrom(t *testing.T) {
	coded := status.NotFound.Errorf("no room %q", "x")
	for _, tc := range []struct {
		name string
		err  error
		code status.Code
		text string
	}{
		{"coded", coded, status.NotFound, `no room "x"`},
		{"wrapped", fmt.Errorf("outer: %w", coded), status.NotFound, `no room "x"`},
		{"canceled", fmt.Errorf("read: %w", context.Canceled), status.Canceled, "canceled"},
		{"deadline", context.DeadlineExceeded, status.DeadlineExceeded, "deadline exceeded"},
		{"hidden", errors.New("password is hunter2"), status.Internal, "internal error"},
		{"coded context", status.Aborted.Errorf("again: %w", context.Canceled), status.Aborted, "again: context canceled"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := status.From(tc.err)
			if got.Code != tc.code || got.Text != tc.text {
				t.Errorf("From(%v) = %v %q, want %v %q", tc.err, got.Code, got.Text, tc.code, tc.text)
			}
			if status.CodeOf(tc.err) != tc.code {
				t.Errorf("CodeOf = %v", status.CodeOf(tc.err))
			}
		})
	}
	if status.From(nil) != nil || status.CodeOf(nil) != status.OK {
		t.Error("nil is not OK")
	}
}

func TestErrorKeepsItsCause(t *testing.T) {
	err := status.Unavailable.Wrap(io.ErrUnexpectedEOF, "the store is away").After(3 * time.Second)
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Text != "the store is away" {
		t.Errorf("cause or text lost: %v", err)
	}
	if err.RetryAfter != 3*time.Second {
		t.Errorf("RetryAfter = %v", err.RetryAfter)
	}
	if !errors.Is(err, &status.Error{Code: status.Unavailable}) || errors.Is(err, &status.Error{Code: status.Internal}) {
		t.Error("Is does not compare codes")
	}
}

func TestAppAndDetails(t *testing.T) {
	plain := status.App(7, "no stock for %s", "tea")
	err := plain.WithDetail(durationpb.New(time.Second))
	if err.AppCode != 7 || err.Code != status.Unknown || err.Error() != "unknown 7: no stock for tea" {
		t.Errorf("App = %v", err)
	}
	if len(err.Details) != 1 || len(plain.Details) != 0 {
		t.Errorf("details: %d on the copy, %d on the original", len(err.Details), len(plain.Details))
	}
}

func TestTableIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for number, name := range protowayv1.Code_name {
		code := status.Code(number)
		if !code.Valid() {
			t.Errorf("%s has no row", name)
		}
		if got, ok := status.ParseCode(code.String()); !ok || got != code {
			t.Errorf("ParseCode(%q) = %v, %v", code.String(), got, ok)
		}
		if seen[code.String()] {
			t.Errorf("%q stands twice", code.String())
		}
		seen[code.String()] = true
		if code != status.OK && (code.HTTP() < 400 || code.JSONRPC() >= 0 || code.DjangoIPC() == "") {
			t.Errorf("%s: http %d, json-rpc %d, django-ipc %q", name, code.HTTP(), code.JSONRPC(), code.DjangoIPC())
		}
	}
	if len(seen) != status.NumCodes {
		t.Errorf("%d codes in the schema, %d rows", len(seen), status.NumCodes)
	}
	if strange := status.Code(99); strange.String() != "code_99" || strange.HTTP() != 500 {
		t.Errorf("unknown number: %s, %d", strange, strange.HTTP())
	}
}
