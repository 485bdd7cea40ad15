package protoway

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// Route says how the messages of one type are handled on one path: what the
// schema, the options of its receivers and the configuration say together.
type Route struct {
	// Path is empty for a message that clients may send and no path handles.
	Path string `json:"path"`
	// Type is the name of the message on the wire.
	Type string `json:"type"`
	// Message is its full name in the schema.
	Message string `json:"message"`
	// Reply is the full name of what answers it; empty if nothing does.
	Reply string `json:"reply,omitempty"`
	// Receivers are the methods that handle it, in their order.
	Receivers []string `json:"receivers"`
	// Auth says that the sender must be signed in.
	Auth bool `json:"auth"`
	// Permissions must all be had.
	Permissions []string `json:"permissions,omitempty"`
	// AllowGroups are lists of user groups, of each of which one must be had.
	AllowGroups [][]string `json:"allow_groups,omitempty"`
	// DenyGroups are user groups none of which may be had.
	DenyGroups []string `json:"deny_groups,omitempty"`
	// Lane is the name of the lane that orders it; empty for the connection's.
	Lane string `json:"lane,omitempty"`
	// MaxBytes bounds the payload; 0: only the server's limit does.
	MaxBytes int `json:"max_bytes,omitempty"`
	// TimeoutSeconds is how long handling may take.
	TimeoutSeconds float64 `json:"timeout_seconds"`
	// Identity says that handling it may change the user of the connection.
	Identity bool `json:"identity,omitempty"`
	// Once says that a frame with a key runs once.
	Once bool `json:"once"`
}

// Routes returns how messages are handled, by path and type. What nobody handles
// comes first.
func (s *Server) Routes() []Route {
	var routes []Route
	for _, e := range s.catalog.Entries() {
		handled := false
		for name, path := range s.paths {
			if b := path.Router.Binding(e); b != nil {
				handled = true
				routes = append(routes, s.routeOf(name, e, b))
			}
		}
		if !handled && slices.Contains(s.unhandled, e) {
			routes = append(routes, s.routeOf("", e, &consumer.Binding{
				Entry: e, Policies: []auth.Policy{auth.Sending(e.Rules, s.config.PublicByDefault)},
				MaxBytes: int(e.Rules.GetMaxBytes()), Timeout: e.Rules.GetTimeout().AsDuration(), Identity: e.Rules.GetIdentity(),
				Keyed: e.Rules.GetDedupe() != protowayv1.Rules_NONE,
			}))
		}
	}
	slices.SortFunc(routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Type, b.Type))
	})
	return routes
}

func (s *Server) routeOf(path string, e *wire.Entry, b *consumer.Binding) Route {
	r := Route{
		Path: path, Type: e.Type, Message: string(e.Name()), Receivers: []string{},
		MaxBytes: b.MaxBytes, Identity: b.Identity, Once: b.Keyed,
		TimeoutSeconds: cmp.Or(b.Timeout, s.config.Limits.HandlerTimeout).Seconds(),
	}
	if e.Reply != nil {
		r.Reply = string(e.Reply.Name())
	}
	if e.HasLane() && !b.Identity && !b.PerConnection {
		r.Lane = e.LaneName()
	}
	var policy auth.Policy
	for _, p := range b.Policies {
		policy = policy.Tighten(p)
	}
	r.Auth, r.Permissions, r.AllowGroups, r.DenyGroups = policy.Auth, policy.Permissions, policy.AllowGroups, policy.DenyGroups
	for _, route := range b.Routes {
		r.Receivers = append(r.Receivers, route.Receiver+"."+route.Method)
	}
	return r
}

// RoutesVariable names the environment variable with which the command "protoway
// routes" asks a program for its routes: the file that [New] writes them to, as
// JSON, instead of starting a server.
const RoutesVariable = "PROTOWAY_ROUTES_FILE"

// ErrRoutesWritten is what [New] returns if it was asked for the routes only.
var ErrRoutesWritten = errors.New("protoway: the routes were written, as " + RoutesVariable + " asks for; no server was started")

// writeRoutes writes the routes to a file and returns ErrRoutesWritten.
func (s *Server) writeRoutes(name string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // whoever sets the environment runs the program
	if err != nil {
		return fmt.Errorf("protoway: %s: %w", RoutesVariable, err)
	}
	err = writeJSON(file, s.Routes())
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("protoway: %s: %w", RoutesVariable, err)
	}
	return ErrRoutesWritten
}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
