package main

import (
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway"
)

func newVersion() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  "Prints the version of this tool, of the gateway it belongs to and of Go.",
		Example: `  protoway version
  protoway version --json`,
		Args: exactly(),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		found := versions{Protoway: moduleVersion(), Gateway: protoway.Version, Go: runtime.Version()}
		if *asJSON {
			return printJSON(cmd, found)
		}
		say(cmd, "protoway %s (gateway %s, %s)", found.Protoway, found.Gateway, found.Go)
		return nil
	}
	return cmd
}

// versions is the result of the command.
type versions struct {
	Protoway string `json:"protoway"` // of the module that this tool was built from
	Gateway  string `json:"gateway"`
	Go       string `json:"go"`
}

// moduleVersion is the version of the module that this program was built from,
// as other modules require it. A build of a changed checkout has none of its own
// and names the release that it belongs to.
func moduleVersion() string {
	const release = "v" + protoway.Version
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" || strings.Contains(info.Main.Version, "+") {
		return release
	}
	return info.Main.Version
}
