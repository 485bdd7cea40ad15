package main

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway/cmd/protoway/internal/scaffold"
)

func newProto() *cobra.Command {
	return newGroup(&cobra.Command{
		Use:     "proto",
		Short:   "Hand out the proto files of Protoway",
		Long:    "Hands out the proto files of Protoway, for projects whose schema imports them.",
		Example: `  protoway proto export third_party`,
	}, newProtoExport())
}

func newProtoExport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "Write the annotations into a folder",
		Long: `Writes protoway/v1/annotations.proto, and what it imports of Protoway, below DIR.
Files of an earlier version are replaced. Name DIR as a module in buf.yaml, and
leave it out of what is generated: its Go code is in the module of Protoway.`,
		Example: `  protoway proto export third_party`,
		Args:    exactly("DIR"),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		files, err := scaffold.Annotations()
		if err != nil {
			return err
		}
		names := slices.Sorted(maps.Keys(files))
		for _, name := range names {
			if err := writeFile(filepath.Join(args[0], filepath.FromSlash(name)), files[name]); err != nil {
				return err
			}
		}
		if *asJSON {
			return printJSON(cmd, map[string][]string{"files": names})
		}
		for _, name := range names {
			say(cmd, "wrote %s", filepath.Join(args[0], filepath.FromSlash(name)))
		}
		return nil
	}
	return cmd
}
