package main_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// suite is what the tests of the plugin share: the built plugin, and a buf
// workspace of the test protos beside the project's own.
var suite struct {
	root   string // of the project's module
	dir    string // temporary
	plugin string
	update bool
}

func TestMain(m *testing.M) {
	flag.BoolVar(&suite.update, "update", false, "write the expected files of testdata anew")
	flag.Parse()
	if err := openSuite(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(suite.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func openSuite() error {
	var err error
	if suite.root, err = filepath.Abs("../.."); err != nil {
		return err
	}
	if suite.dir, err = os.MkdirTemp("", "protoc-gen-protoway-"); err != nil {
		return err
	}
	suite.plugin = filepath.Join(suite.dir, "protoc-gen-protoway")
	build := exec.Command("go", "build", "-o", suite.plugin, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the plugin: %w\n%s", err, out)
	}
	links := map[string]string{
		"protoway": filepath.Join(suite.root, "proto"),
		"golden":   filepath.Join(suite.root, "cmd/protoc-gen-protoway/testdata/golden"),
		"errors":   filepath.Join(suite.root, "cmd/protoc-gen-protoway/testdata/errors"),
	}
	workspace := "version: v2\nmodules:\n"
	for name, target := range links {
		workspace += "  - path: " + name + "\n"
		err = errors.Join(err, os.Symlink(target, filepath.Join(suite.dir, name)))
	}
	return errors.Join(err, os.WriteFile(filepath.Join(suite.dir, "buf.yaml"), []byte(workspace), 0o600))
}

// buf runs the buf that BUF names, or else builds and runs the pinned one.
func buf(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	name := os.Getenv("BUF")
	if name == "" {
		name, args = "go", append([]string{"tool", "-modfile=tools/go.mod", "buf"}, args...)
	} else if !filepath.IsAbs(name) {
		name = filepath.Join(suite.root, name)
	}
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = suite.root
	out, err := command.CombinedOutput()
	return string(out), err
}

// image compiles a module of the workspace, with all that it imports.
func image(t *testing.T, module string) *descriptorpb.FileDescriptorSet {
	t.Helper()
	return imageOf(t, filepath.Join(suite.dir, module))
}

func imageOf(t *testing.T, module string) *descriptorpb.FileDescriptorSet {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.binpb")
	if out, err := buf(t, "build", module, "-o", path); err != nil {
		t.Fatalf("buf build: %v\n%s", err, out)
	}
	serialized, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(serialized, set); err != nil {
		t.Fatal(err)
	}
	return set
}

// request asks for the files of a set that are below a folder.
func request(set *descriptorpb.FileDescriptorSet, folder string) *pluginpb.CodeGeneratorRequest {
	made := new(pluginpb.CodeGeneratorRequest)
	needed := make(map[string]bool)
	for _, file := range set.File {
		if strings.HasPrefix(file.GetName(), folder+"/") {
			made.FileToGenerate = append(made.FileToGenerate, file.GetName())
			needed[file.GetName()] = true
		}
	}
	for _, v := range slices.Backward(set.File) { // what imports comes after what is imported
		if file := v; needed[file.GetName()] {
			for _, name := range file.GetDependency() {
				needed[name] = true
			}
		}
	}
	for _, file := range set.File {
		if needed[file.GetName()] {
			made.ProtoFile = append(made.ProtoFile, file)
		}
	}
	return made
}

// respond runs the plugin as buf does. What it says as it exits is the error of
// the response too.
func respond(t *testing.T, request *pluginpb.CodeGeneratorRequest) *pluginpb.CodeGeneratorResponse {
	t.Helper()
	in, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), suite.plugin)
	command.Stdin = bytes.NewReader(in)
	out, err := command.Output()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return &pluginpb.CodeGeneratorResponse{Error: proto.String(string(exit.Stderr))}
	} else if err != nil {
		t.Fatal(err)
	}
	response := new(pluginpb.CodeGeneratorResponse)
	if err := proto.Unmarshal(out, response); err != nil {
		t.Fatal(err)
	}
	return response
}
