package config_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/config"
	"github.com/protoway/protoway/receivers"
)

// The receivers are code, and the rest is data: both go together by the path.
func Example() {
	file := strings.NewReader("paths: {/ws: {origins: [chat.example.com]}}")
	settings, err := config.Read("protoway.yaml", file, []string{"PROTOWAY_LIMITS_MAX_GROUPS=50"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var list []receivers.Receiver // such as receivers.Discover of a value of yours
	c, err := settings.Server(protoway.Config{
		Paths: map[string]protoway.Path{"/ws": {Receivers: list, Groups: []string{"lobby"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := protoway.New(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(settings.Listen, c.Limits.MaxGroups, c.Paths["/ws"].Origins, c.Paths["/ws"].Groups)
	fmt.Println(server.Shutdown(context.Background()))
	// Output:
	// :8080 50 [chat.example.com] [lobby]
	// <nil>
}

func ExampleLoad() {
	_, err := config.Load("testdata/mistakes.yaml", []string{"PROTOWAY_STRIKT=true"})
	fmt.Println(err)
	// Output:
	// testdata/mistakes.yaml:3:3: there is no key "limits.max_group"; did you mean "limits.max_groups"?
	// testdata/mistakes.yaml:4:14: limits.heartbeat: expected a duration such as 500ms, 10s or 5m, not "25"
	// PROTOWAY_STRIKT: there is no such variable; did you mean "PROTOWAY_STRICT"?
}

func ExampleSettings_Write() {
	settings, err := config.Read("protoway.yaml", strings.NewReader("strict: true"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var out strings.Builder
	if err := settings.Write(&out); err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "strict") || strings.HasPrefix(line, "listen") {
			fmt.Fprint(os.Stdout, line)
		}
	}
	// Output:
	// listen: :8080 # default
	// strict: true # protoway.yaml:1
}
