package model_test

import (
	"testing"

	"github.com/protoway/protoway/cmd/internal/model"
)

func TestKebab(t *testing.T) {
	tests := []struct{ name, want string }{
		{"Say", "say"},
		{"JoinRoom", "join-room"},
		{"HTTPGet", "http-get"},
		{"GetHTTP", "get-http"},
		{"WhoAmI", "who-am-i"},
		{"IAm", "i-am"},
		{"ID", "id"},
		{"UserID2", "user-id2"},
		{"Room2Joined", "room2-joined"},
		{"Room_2", "room-2"},
		{"snake_case_name", "snake-case-name"},
		{"Mixed_Case", "mixed-case"},
		{"_Private", "private"},
		{"_", ""},
		{"lowerCamel", "lower-camel"},
	}
	for _, test := range tests {
		if got := model.Kebab(test.name); got != test.want {
			t.Errorf("Kebab(%q) = %q, want %q", test.name, got, test.want)
		}
	}
}
