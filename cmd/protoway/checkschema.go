package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/protoway/protoway/cmd/internal/golang"
	"github.com/protoway/protoway/cmd/internal/model"
)

// buildSchema compiles the proto files of a project, with all that they import.
func buildSchema(cmd *cobra.Command, buf, project string) (*descriptorpb.FileDescriptorSet, []problem, error) {
	folder, err := os.MkdirTemp("", "protoway-check-")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	image := filepath.Join(folder, "image.binpb")
	out, err := runBuf(cmd, buf, project, "build", "--error-format=json", "-o", image)
	if err != nil {
		problems := bufProblems(project, out)
		if len(problems) == 0 {
			return nil, nil, fmt.Errorf("buf build failed in %s: %w\n%s", project, err, out)
		}
		return nil, problems, nil
	}
	encoded, err := os.ReadFile(image) //nolint:gosec // in our own folder
	if err != nil {
		return nil, nil, err
	}
	set := new(descriptorpb.FileDescriptorSet)
	return set, nil, proto.Unmarshal(encoded, set)
}

// runBuf returns what buf and the plugins say, if they fail.
func runBuf(cmd *cobra.Command, buf, project string, args ...string) (said []byte, err error) {
	command := exec.CommandContext(cmd.Context(), buf, args...) //nolint:gosec // the user says which buf
	command.Dir = project
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err = command.Run()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		return nil, fmt.Errorf("buf does not run: %w; state one with --buf", err)
	}
	return bytes.TrimSpace(out.Bytes()), err
}

// bufProblems reads the lines that buf prints with --error-format=json.
func bufProblems(project string, out []byte) []problem {
	var found []problem
	for line := range bytes.Lines(out) {
		var said struct {
			Path    string `json:"path"`
			Line    int    `json:"start_line"`
			Column  int    `json:"start_column"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(line, &said); err == nil && said.Message != "" {
			found = append(found, problem{kindSchema, filepath.Join(project, said.Path), said.Line, said.Column, said.Message})
		}
	}
	return found
}

// checkSchema finds what protoc-gen-protoway would refuse.
func checkSchema(project string, set *descriptorpb.FileDescriptorSet) ([]problem, error) {
	request := &pluginpb.CodeGeneratorRequest{ProtoFile: set.GetFile()}
	complete := true
	for _, file := range set.GetFile() {
		if !isImport(file) {
			request.FileToGenerate = append(request.FileToGenerate, file.GetName())
		}
		if file.GetOptions().GetGoPackage() == "" {
			// The template states it, so what depends on it is found by generating.
			complete = false
			request.Parameter = proto.String(request.GetParameter() + "M" + file.GetName() + "=example.com/" + filepath.Dir(file.GetName()) + ",")
		}
	}
	if len(request.GetFileToGenerate()) == 0 {
		return nil, nil
	}
	plugin, err := protogen.Options{}.New(request)
	if err != nil {
		return nil, err
	}
	sources := make([]model.Source, len(plugin.Files))
	for i, file := range plugin.Files {
		sources[i] = model.Source{Desc: file.Desc, Generate: file.Generate}
	}
	schema, problems := model.Build(sources)
	if complete {
		problems = append(problems, golang.New(plugin, schema).Check()...)
	}
	modules := moduleFolders(project)
	var found []problem
	for _, p := range problems {
		text := strings.TrimPrefix(p.Error(), p.Position.String()+": ")
		found = append(found, problem{kindSchema, locate(modules, p.File), p.Line, p.Column, text})
	}
	return found, nil
}

// isImport reports whether buf compiled a file only since others import it: an
// image says so in a field of its own.
func isImport(file *descriptorpb.FileDescriptorProto) bool {
	const extensionNumber, isImportNumber = 8042, 1 // of buf.alpha.image.v1.ImageFile
	extension := unknownField(file.ProtoReflect().GetUnknown(), extensionNumber)
	message, _ := protowire.ConsumeBytes(extension)
	flag, n := protowire.ConsumeVarint(unknownField(message, isImportNumber))
	return n > 0 && flag != 0
}

// unknownField returns the encoded value of a field, nil if it is not there.
func unknownField(message []byte, number protowire.Number) []byte {
	for len(message) > 0 {
		found, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil
		}
		message = message[n:]
		size := protowire.ConsumeFieldValue(found, kind, message)
		if size < 0 {
			return nil
		}
		if found == number {
			return message[:size]
		}
		message = message[size:]
	}
	return nil
}

// moduleFolders returns the folders that proto files are imported from.
func moduleFolders(project string) []string {
	folders := []string{project}
	text, err := os.ReadFile(filepath.Join(project, "buf.yaml")) //nolint:gosec // of the project
	if err != nil {
		return folders
	}
	var stated struct {
		Modules []struct {
			Path string `yaml:"path"`
		} `yaml:"modules"`
	}
	if yaml.Unmarshal(text, &stated) != nil {
		return folders // buf has read it, so this is a form that we do not know
	}
	for _, module := range stated.Modules {
		folders = append(folders, filepath.Join(project, filepath.FromSlash(module.Path)))
	}
	return folders
}

// locate returns where an imported file is, or its name if that is not found.
func locate(folders []string, name string) string {
	for _, folder := range folders {
		full := filepath.Join(folder, filepath.FromSlash(name))
		if _, err := os.Stat(full); err == nil {
			return full
		}
	}
	return name
}
