package migrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/protoway/protoway/cmd/protoway/internal/scaffold"
)

const (
	// configFile is the settings of Proto Socket's generator.
	configFile = "fps_config.json"
	// thirdParty is the folder of vendored proto files.
	thirdParty = "third_party"
)

// common are the proto files of the messages that every client of Proto Socket
// knows, as far as this version has them.
var common = []string{"protoway/v1/authentication.proto", "protoway/v1/protosocket.proto"}

// config is what fps_config.json says.
type config struct {
	modules []string // folders with proto files, with slashes, below the project's
	out     string   // folder of the generated code
	prefix  string   // Go import path of out
	common  bool
	notes   []string
	// newModule is the Go module to make; empty if there is one.
	newModule string
}

// readConfig reads the settings in a folder.
func readConfig(dir, module string) (*config, error) {
	name := filepath.Join(dir, configFile)
	text, err := read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s in %s: name the folder that has it", configFile, dir)
	} else if err != nil {
		return nil, err
	}
	var stated map[string]json.RawMessage
	if err := json.Unmarshal(text, &stated); err != nil {
		return nil, fmt.Errorf("%s is not valid JSON: %w; mend it", name, err)
	}
	c := &config{common: true, out: "gen"}
	var protos []string
	for key, into := range map[string]any{"protos": &protos, "include_common": &c.common, "out": &c.out} {
		value, ok := stated[key]
		delete(stated, key)
		if !ok {
			continue
		}
		if err := json.Unmarshal(value, into); err != nil {
			return nil, fmt.Errorf("%s: %q is not what it should be: %w; mend it", name, key, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(stated)) {
		c.notes = append(c.notes, fmt.Sprintf("%s: %q means nothing here and is left out", name, key))
	}
	if err := c.place(dir, protos); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := c.setPrefix(dir, module); err != nil {
		return nil, err
	}
	return c, nil
}

// place finds the folders that the settings name.
func (c *config) place(dir string, protos []string) error {
	if len(protos) == 0 {
		return errors.New(`"protos" names no folders: state at least one`)
	}
	for _, stated := range protos {
		folder, err := inside(dir, stated)
		if err != nil {
			return err
		}
		if info, err := os.Stat(filepath.Join(dir, folder)); err != nil || !info.IsDir() {
			return fmt.Errorf(`"protos": %q is no folder: mend its name`, stated)
		}
		if !slices.Contains(c.modules, folder) {
			c.modules = append(c.modules, folder)
		}
	}
	for _, outer := range c.modules {
		for _, inner := range c.modules {
			if outer != inner && within(outer, inner) {
				return fmt.Errorf(`"protos": %s is inside of %s, which buf refuses: name only one of them`, inner, outer)
			}
		}
	}
	var err error
	c.out, err = inside(dir, c.out)
	return err
}

func within(outer, inner string) bool { return outer == "." || strings.HasPrefix(inner, outer+"/") }

var variable = regexp.MustCompile(`\$(?:\{([^}]*)\}|(\w+))`)

// inside expands the variables of a folder and returns its path below dir.
func inside(dir, stated string) (string, error) {
	var missing error
	folder := variable.ReplaceAllStringFunc(stated, func(found string) string {
		name := strings.Trim(found, "${}")
		value, ok := os.LookupEnv(name)
		if !ok {
			missing = fmt.Errorf("%q names the variable %s, which is not set: set it", stated, name)
		}
		return value
	})
	if missing != nil {
		return "", missing
	}
	if filepath.IsAbs(folder) {
		root, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		if folder, err = filepath.Rel(root, folder); err != nil {
			return "", err
		}
	}
	folder = filepath.ToSlash(filepath.Clean(folder))
	if folder == ".." || strings.HasPrefix(folder, "../") {
		return "", fmt.Errorf("%q is outside of the project, where buf does not look: move it into %s", stated, dir)
	}
	return folder, nil
}

var moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`)

// setPrefix finds the Go import path of the generated code: that of the module
// that is stated, or else of the one around the folder.
func (c *config) setPrefix(dir, module string) error {
	root, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	around, folder := moduleAround(root)
	switch {
	case module != "":
		c.prefix = path.Join(module, c.out)
	case folder == "":
		module = path.Join("example.com", filepath.Base(root))
		c.prefix = path.Join(module, c.out)
		c.notes = append(c.notes, "there is no go.mod: the generated code is to be "+c.prefix+"; state another module with --module")
	default:
		below, err := filepath.Rel(folder, root)
		c.prefix = path.Join(around, filepath.ToSlash(below), c.out)
		return err
	}
	if folder == "" {
		c.newModule = module
	}
	return nil
}

// moduleAround finds the Go module of a folder; folder is empty if there is none.
func moduleAround(root string) (module, folder string) {
	for folder = root; ; folder = filepath.Dir(folder) {
		text, err := read(filepath.Join(folder, "go.mod"))
		if found := moduleLine.FindSubmatch(text); err == nil && found != nil {
			return string(found[1]), folder
		}
		if folder == filepath.Dir(folder) {
			return "", ""
		}
	}
}

// vendored are the proto files of Protoway that the project needs.
func (c *config) vendored() (map[string][]byte, error) {
	names := []string{annotations}
	if c.common {
		names = append(names, common...)
	}
	return scaffold.Exported(names...)
}

// workspace is buf.yaml.
func (c *config) workspace() string {
	var text strings.Builder
	text.WriteString("version: v2\nmodules:\n")
	for _, module := range c.modules {
		text.WriteString("  - path: " + module + "\n")
		if module == "." {
			text.WriteString("    excludes:\n      - " + thirdParty + "\n")
		}
		text.WriteString("    # A schema of Proto Socket. Drop these lines to have its style checked.\n" +
			"    lint:\n      ignore:\n        - " + module + "\n")
	}
	text.WriteString("  # The annotations of Protoway" + map[bool]string{true: " and the common messages of Proto Socket"}[c.common] + ".\n" +
		"  - path: " + thirdParty + "\n    lint:\n      ignore:\n        - " + thirdParty + "\n" +
		"    breaking:\n      ignore:\n        - " + thirdParty + "\n" +
		"lint:\n  use:\n    - STANDARD\nbreaking:\n  use:\n    - FILE\n")
	return text.String()
}

// template is buf.gen.yaml.
func (c *config) template() string {
	var text strings.Builder
	text.WriteString("version: v2\ninputs: # " + thirdParty + " has its code in the module of Protoway\n")
	for _, module := range c.modules {
		text.WriteString("  - directory: " + module + "\n")
	}
	text.WriteString("managed:\n  enabled: true\n" +
		"  disable:\n    - file_option: go_package\n      path: protoway\n" +
		"  override:\n    - file_option: go_package_prefix\n      value: " + c.prefix + "\n" +
		"plugins:\n")
	for _, plugin := range []string{"protoc-gen-go", "protoc-gen-protoway"} {
		text.WriteString("  - local: [\"go\", \"tool\", \"" + plugin + "\"]\n")
		if plugin == "protoc-gen-protoway" {
			text.WriteString("    # One run for all files: a type may exist only once among them.\n    strategy: all\n")
		}
		text.WriteString("    out: " + c.out + "\n    opt: paths=source_relative\n")
	}
	return text.String()
}
