// Command protoc-gen-protoway generates code for messages that carry the rules
// of protoway/v1/annotations.proto, as an option or in the comment in front of
// them. buf and protoc run it; by hand it has only --help and --version.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/protoway/protoway/cmd/internal/golang"
	"github.com/protoway/protoway/cmd/internal/model"
)

const help = `protoc-gen-protoway generates code for annotated protocol-buffer messages.

It is run by buf, from buf.gen.yaml:

  version: v2
  plugins:
    - local: ["go", "tool", "protoc-gen-go"]
      out: .
      opt: module=example.com/chat
    - local: ["go", "tool", "protoc-gen-protoway"]
      strategy: all
      out: .
      opt: module=example.com/chat

strategy: all shows it all files at once, so that it finds two messages that
claim one type. Options:

  lang=go          the language to generate; go is the default and the only one
  module=, paths=  where files go, as with protoc-gen-go

By hand:

  --help           prints this text
  --version        prints the version
`

func main() {
	if len(os.Args) > 1 {
		os.Exit(answer(os.Args[1], os.Stdout, os.Stderr))
	}
	if info, err := os.Stdin.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(os.Stderr, help) // a person, not buf
		os.Exit(2)
	}
	protogen.Options{ParamFunc: setOption}.Run(generate)
}

// answer serves a person who runs the plugin by hand.
func answer(argument string, stdout, stderr io.Writer) (exit int) {
	switch argument {
	case "--help", "-help", "-h":
		fmt.Fprint(stdout, help)
		return 0
	case "--version", "-version":
		fmt.Fprintln(stdout, "protoc-gen-protoway", version())
		return 0
	default:
		fmt.Fprintf(stderr, "unknown argument %q; see --help\n", argument)
		return 2
	}
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// setOption takes the plugin's own options; those of protogen never reach it.
func setOption(name, value string) error {
	switch {
	case name != "lang":
		return fmt.Errorf("unknown option %q of protoc-gen-protoway; it has lang, and module, paths and M as protoc-gen-go", name)
	case value != "go":
		return fmt.Errorf("cannot generate lang=%s; the only language is lang=go", value)
	default:
		return nil
	}
}

func generate(plugin *protogen.Plugin) error {
	plugin.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL |
		pluginpb.CodeGeneratorResponse_FEATURE_SUPPORTS_EDITIONS)
	plugin.SupportedEditionsMinimum = descriptorpb.Edition_EDITION_PROTO2
	plugin.SupportedEditionsMaximum = descriptorpb.Edition_EDITION_2023

	sources := make([]model.Source, len(plugin.Files))
	for i, file := range plugin.Files {
		sources[i] = model.Source{Desc: file.Desc, Generate: file.Generate}
	}
	schema, problems := model.Build(sources)
	generator := golang.New(plugin, schema)
	if err := append(problems, generator.Check()...).Err(); err != nil {
		return fmt.Errorf("the annotations cannot be used:\n%w", err)
	}
	generator.Generate()
	return nil
}
