// Package system answers the diagnostics that every path has: ping, echo, health
// and info.
package system

import (
	"context"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire/protojson"
)

// Config says what the receiver tells about its server.
type Config struct {
	// Stats returns the state of the node. Required.
	Stats func() consumer.Stats
	// Groups returns how many groups have members on the node. Required.
	Groups func() int
	// Version is the version of the server.
	Version string
	// Limits are those in force.
	Limits consumer.Limits
	// Features are what the server understands beyond the first version.
	Features []string
}

// System answers the diagnostics.
type System struct{ config Config }

// New returns the receiver of the diagnostics.
func New(config Config) receivers.Receiver { return receivers.Discover(&System{config}) }

// Bounds of what a client may ask.
const (
	maxDelay   = 5 * time.Second
	maxMessage = 1000 // characters
)

// Ping answers at once, or after the delay it was asked for.
func (s *System) Ping(ctx context.Context, in *protowayv1.Ping) (*protowayv1.Pong, error) {
	delay := time.Duration(in.GetDelayMs()) * time.Millisecond
	if delay < 0 || delay > maxDelay {
		return nil, status.InvalidArgument.Errorf("delay_ms is %d: it goes from 0 to %d", in.GetDelayMs(), maxDelay.Milliseconds())
	}
	if n := utf8.RuneCountInString(in.GetMessage()); n > maxMessage {
		return nil, status.InvalidArgument.Errorf("message has %d characters, at most %d are allowed", n, maxMessage)
	}
	if delay == 0 {
		return pong(in), nil
	}
	// The delay runs beside the workers, so that nobody can take them all by pinging.
	handle := consumer.From(ctx)
	return nil, handle.AckAfter(delay, func() (proto.Message, error) { return pong(in), nil })
}

func pong(in *protowayv1.Ping) *protowayv1.Pong {
	now := time.Now()
	message := in.GetMessage()
	if message == "" {
		message = "ping"
	}
	return &protowayv1.Pong{
		Pong: message, Timestamp: seconds(now), DelayMs: in.GetDelayMs(), ServerTime: clock.text(now),
	}
}

// stamp is a second as text.
type stamp struct {
	second int64
	text   string
}

// stamps remembers the text of the second, since many pings come in one.
type stamps struct{ last atomic.Pointer[stamp] }

var clock stamps

// text returns a time in RFC 3339, in seconds.
func (s *stamps) text(now time.Time) string {
	second := now.Unix()
	if last := s.last.Load(); last != nil && last.second == second {
		return last.text
	}
	fresh := &stamp{second, now.UTC().Format(time.RFC3339)}
	s.last.Store(fresh)
	return fresh.text
}

// Echo gives back what it got.
func (s *System) Echo(_ context.Context, in *protowayv1.Echo) (*protowayv1.Echoed, error) {
	if in.GetData() == nil {
		return nil, status.InvalidArgument.Errorf("data is missing: send an object")
	}
	text, err := protojson.Options{}.Append(nil, in.GetData())
	if err != nil {
		return nil, status.InvalidArgument.Errorf("data cannot be JSON: %v", err)
	}
	return &protowayv1.Echoed{
		Echo:      in.GetData(),
		Size:      int32(len(text)), //nolint:gosec // bounded by the size of a message
		Timestamp: seconds(time.Now()),
		Type:      "object",
	}, nil
}

// Health tells how the node is.
func (s *System) Health(context.Context, *protowayv1.Health) (*protowayv1.HealthStatus, error) {
	stats := s.config.Stats()
	state := "ok"
	if stats.Draining {
		state = "draining"
	}
	return &protowayv1.HealthStatus{
		Status:    state,
		Timestamp: seconds(time.Now()),
		Connections: &protowayv1.HealthStatus_Connections{
			Total:         int32(stats.Connections),   //nolint:gosec // connections fit
			Authenticated: int32(stats.Authenticated), //nolint:gosec // likewise
			UniqueUsers:   int32(stats.Users),         //nolint:gosec // likewise
		},
		Rooms: int32(s.config.Groups()), //nolint:gosec // likewise
	}, nil
}

// Info tells what the server is.
func (s *System) Info(context.Context, *protowayv1.Info) (*protowayv1.ServerInfo, error) {
	return &protowayv1.ServerInfo{
		Version:  s.config.Version,
		Protocol: "websocket",
		Rpc: &protowayv1.ServerInfo_Rpc{
			Timeout:        s.config.Limits.HandlerTimeout.Seconds(),
			MaxMessageSize: int32(s.config.Limits.MaxMessageBytes), //nolint:gosec // a limit is small
		},
		Features: s.config.Features,
	}, nil
}

// seconds returns a time as seconds since 1970, with fraction.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
