package status

import "net/http"

// row is one code in every dialect that names codes in its own way.
type row struct {
	name      string // native JSON, logs, metrics
	http      int    // HTTP and Proto Socket
	jsonrpc   int    // JSON-RPC 2.0: the reserved range, or -32000 minus the code
	djangoIPC string // the closed set of django-ipc
	retryable bool   // sending the same frame again may succeed
}

// table maps every code to every dialect, and nothing else does.
var table = [NumCodes]row{
	OK:                 {"ok", http.StatusOK, 0, "", false},
	Canceled:           {"canceled", 499, -32001, "connection_error", true},
	Unknown:            {"unknown", http.StatusInternalServerError, -32002, "internal_error", false},
	InvalidArgument:    {"invalid_argument", http.StatusBadRequest, -32602, "invalid_params", false},
	DeadlineExceeded:   {"deadline_exceeded", http.StatusGatewayTimeout, -32004, "timeout", true},
	NotFound:           {"not_found", http.StatusNotFound, -32005, "resource_not_found", false},
	AlreadyExists:      {"already_exists", http.StatusConflict, -32006, "invalid_params", false},
	PermissionDenied:   {"permission_denied", http.StatusForbidden, -32007, "unauthorized", false},
	ResourceExhausted:  {"resource_exhausted", http.StatusTooManyRequests, -32008, "rate_limit_exceeded", true},
	FailedPrecondition: {"failed_precondition", http.StatusPreconditionFailed, -32009, "invalid_params", false},
	Aborted:            {"aborted", http.StatusConflict, -32010, "service_unavailable", true},
	OutOfRange:         {"out_of_range", http.StatusBadRequest, -32011, "invalid_params", false},
	Unimplemented:      {"unimplemented", http.StatusNotFound, -32601, "method_not_found", false},
	Internal:           {"internal", http.StatusInternalServerError, -32603, "internal_error", false},
	Unavailable:        {"unavailable", http.StatusServiceUnavailable, -32014, "service_unavailable", true},
	DataLoss:           {"data_loss", http.StatusInternalServerError, -32015, "internal_error", false},
	Unauthenticated:    {"unauthenticated", http.StatusUnauthorized, -32016, "unauthorized", false},
}

func (c Code) row() row {
	if !c.Valid() {
		c = Unknown
	}
	return table[c]
}

// HTTP returns the HTTP status of the code, which is its Proto Socket code too.
func (c Code) HTTP() int { return c.row().http }

// JSONRPC returns the error code of JSON-RPC 2.0.
func (c Code) JSONRPC() int { return c.row().jsonrpc }

// DjangoIPC returns the error code of django-ipc.
func (c Code) DjangoIPC() string { return c.row().djangoIPC }

// Retryable reports whether the same frame may succeed when it is sent again.
func (c Code) Retryable() bool { return c.row().retryable }
