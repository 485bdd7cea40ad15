package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// steps are what is to be done after a migration, until the generated code builds.
type steps struct {
	dir       string // of the project
	local     string // a checkout of Protoway; empty for a release
	newModule string // the Go module to make; empty if there is one
}

// protocGenGo generates the messages themselves.
const protocGenGo = "google.golang.org/protobuf/cmd/protoc-gen-go"

// commands are the steps as a shell takes them, in the folder of the project.
func (s *steps) commands() []string {
	var all []string
	if s.newModule != "" {
		all = append(all, "go mod init "+s.newModule)
	}
	const plugin = ownModule + "/cmd/protoc-gen-protoway"
	if s.local == "" {
		all = append(all, "go get -tool "+protocGenGo, "go get -tool "+plugin)
	} else { // go get would ask for a release
		all = append(all, "go mod edit -replace "+quoted(ownModule+"="+s.local)+" -require "+ownModule+"@"+localVersion+
			" -tool "+protocGenGo+" -tool "+plugin, "go mod tidy")
	}
	return append(all, "protoway generate", "go mod tidy    # for what the generated code imports")
}

// say prints the steps.
func (s *steps) say(cmd *cobra.Command) {
	where := ""
	if s.dir != "." {
		where = ", in " + s.dir
	}
	say(cmd, "Next%s:\n\n  %s", where, strings.Join(s.commands(), "\n  "))
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if !strings.ContainsAny(word, " \t'\"\\$`&;|<>()*?[]#~!{}") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
