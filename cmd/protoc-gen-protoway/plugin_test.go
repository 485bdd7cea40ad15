package main_test

import (
	"os/exec"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func TestParameters(t *testing.T) {
	set := image(t, "golden")
	tests := []struct {
		parameter string
		want      string // error; empty for none
	}{
		{"", ""},
		{"lang=go", ""},
		{"lang=go,paths=source_relative", ""},
		{"lang=cobol", "cannot generate lang=cobol; the only language is lang=go"},
		{"lang", "cannot generate lang=;"},
		{"langs=go", `unknown option "langs" of protoc-gen-protoway; it has lang`},
	}
	for _, test := range tests {
		t.Run(test.parameter, func(t *testing.T) {
			asked := request(set, "plain")
			asked.Parameter = &test.parameter
			got := respond(t, asked).GetError()
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("error %q, want %q", got, test.want)
			}
		})
	}
}

// TestPathsAreRelativeToSources checks that the sub-package follows the file
// wherever the paths option puts it.
func TestPathsAreRelativeToSources(t *testing.T) {
	asked := request(image(t, "golden"), "plain")
	parameter := "paths=source_relative"
	asked.Parameter = &parameter
	var names []string
	for _, file := range respond(t, asked).File {
		names = append(names, file.GetName())
	}
	got, want := strings.Join(names, " "), "plain/v1/2nd_file.protoway.go plain/v1/plainv1way/2nd_file.protoway.go "+
		"plain/v1/plain.protoway.go plain/v1/plainv1way/plain.protoway.go"
	if got != want {
		t.Errorf("files %s, want %s", got, want)
	}
}

func TestFeatures(t *testing.T) {
	response := respond(t, request(image(t, "golden"), "plain"))
	const features = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL |
		pluginpb.CodeGeneratorResponse_FEATURE_SUPPORTS_EDITIONS)
	if response.GetSupportedFeatures() != features {
		t.Errorf("features %b, want %b", response.GetSupportedFeatures(), features)
	}
	first, last := response.GetMinimumEdition(), response.GetMaximumEdition()
	if first != int32(descriptorpb.Edition_EDITION_PROTO2) || last != int32(descriptorpb.Edition_EDITION_2023) {
		t.Errorf("editions %d to %d", first, last)
	}
}

func TestByHand(t *testing.T) {
	tests := []struct {
		argument string
		want     string
		exit     int
	}{
		{"--help", "strategy: all", 0},
		{"--version", "protoc-gen-protoway ", 0},
		{"generate", `unknown argument "generate"; see --help`, 2},
	}
	for _, test := range tests {
		t.Run(test.argument, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), suite.plugin, test.argument)
			out, _ := command.CombinedOutput()
			if exit := command.ProcessState.ExitCode(); exit != test.exit || !strings.Contains(string(out), test.want) {
				t.Errorf("exit %d with %q, want %d with %q", exit, out, test.exit, test.want)
			}
		})
	}
}
