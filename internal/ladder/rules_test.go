package ladder_test

import (
	"strings"
	"testing"
)

func TestCheckAllows(t *testing.T) {
	for _, pair := range [][2]string{
		{".", "receivers"},
		{".", "gen/protoway/v1"},
		{"cmd/protoway", "."},
		{"cmd/protoc-gen-protoway", "cmd/internal/model"},
		{"cmd/protoway", "cmd/internal/comment"},
		{"cmd/protoway", "examples/chat/room"},
		{"cmd/protoway", "config"},
		{"config", "."},
		{"examples/chat", "examples/chat/gen/chat/v1"},
		{"examples/chat/gen/chat/v1", "gen/protoway/v1"},
		{"examples/chat/gen/chat/v1/chatv1way", "clients/go"},
		{"examples/chat/gen/chat/v1/chatv1way", "examples/chat/gen/chat/v1"},
		{"internal/testschema/gen/test/v1/testv1way", "clients/go"},
		{"gen/protoway/v1/protowayv1way", "clients/go"},
		{"gatewaytest", "clients/go"},
		{"clients/go", "wire/protojson"},
		{"receivers/uploads", "receivers"},
		{"receivers", "consumer"},
		{"broadcast/redisbroker", "broadcast"},
		{"broadcast/redisbroker", "auth"},
		{"auth/django", "auth"},
		{"wire", "wire/protojson"},
		{"wire/protojson", "wire/protojson/internal/jsontest"},
	} {
		if err := check(pair[0], pair[1]); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for pair, rule := range map[[2]string]string{
		{"wire", "consumer"}:                                 "wire stands below consumer",
		{"gen/protoway/v1", "status"}:                        "gen stands below status",
		{".", "config"}:                                      ". stands below config",
		{"cmd/internal/comment", "cmd/protoway"}:             "cmd/internal stands below cmd/*",
		{"receivers", "."}:                                   "receivers stands below .",
		{"receivers", "receivers/system"}:                    "same rung",
		{"receivers/system", "receivers/uploads"}:            "same rung",
		{"metrics", "transport"}:                             "same rung",
		{"broadcast", "auth"}:                                "same rung",
		{"broadcast", "broadcast/redisbroker"}:               "broadcast stands below broadcast/*",
		{"cmd/protoway", "cmd/protoc-gen-protoway"}:          "same rung",
		{"clients/go", "consumer"}:                           "clients/go imports only",
		{"clients/go", "."}:                                  "clients/go imports only",
		{".", "clients/go"}:                                  "clients/go is only for tests",
		{"gen/protoway/v1", "clients/go"}:                    "clients/go is only for tests",
		{"consumer", "internal/testschema/gen/test/v1"}:      "internal/* is only for tests",
		{"cmd/protoway", "internal/ladder"}:                  "internal/* is only for tests",
		{"examples/chat/gen/chat/v1", "consumer"}:            "generated code imports only",
		{"examples/chat/gen/chat/v1/chatv1way", "receivers"}: "generated code imports only",
		{"util", "status"}:                                   "util has no place",
		{"examples/chat", "helpers/text"}:                    "helpers/text has no place",
		{"cmd", "status"}:                                    "cmd has no place",
	} {
		err := check(pair[0], pair[1])
		if err == nil {
			t.Errorf("%s may import %s, want: %s", pair[0], pair[1], rule)
		} else if !strings.Contains(err.Error(), rule) {
			t.Errorf("%q does not say %q", err, rule)
		}
	}
}
