package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway/config"
)

// configFile is the file that is read if nobody names another one.
const configFile = "protoway.yaml"

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the configuration that is in effect, and what is wrong with it",
		Long: `Reads the configuration as a server does, from the file and the variables that
begin with PROTOWAY_, and prints every setting that is in effect and where it
came from. Secrets are shown as "(set)" or "(not set)". What is wrong goes to the
error stream, a line for each mistake, with exit code 1.

What a program sets in code, such as Strict, is not seen here: "default" says only
that neither the file nor a variable states it.

The file is that of --file, else that of the variable PROTOWAY_CONFIG, else
` + configFile + ` if it is there.`,
		Example: `  protoway config --print
  protoway config --print --file deploy/protoway.yaml --json
  protoway config --example    # to begin with, as protoway.yaml`,
		Args: exactly(),
	}
	cmd.Flags().Bool("print", true, "print the settings that are in effect")
	example := cmd.Flags().Bool("example", false, "print a file with every key, commented out")
	file := cmd.Flags().String("file", "", "the file to read")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *example {
			if cmd.Flags().NFlag() > 1 {
				return usagef("--example stands alone: it reads nothing and has no other form")
			}
			_, err := cmd.OutOrStdout().Write([]byte(config.Example()))
			return err
		}
		settings, err := config.Load(chooseFile(*file), os.Environ())
		if err != nil {
			return sayProblems(cmd, err, *asJSON)
		}
		if *asJSON {
			return printJSON(cmd, map[string][]config.Value{"settings": settings.Values()})
		}
		say(cmd, "%s", configHeader)
		return settings.Write(cmd.OutOrStdout())
	}
	return cmd
}

// configHeader stands above the settings, as a comment of YAML.
const configHeader = "# What a program sets in code is not seen here: a default may be another one there."

// chooseFile returns the file to load; empty leaves it to the variable.
func chooseFile(stated string) string {
	if stated != "" || os.Getenv(config.FileVariable) != "" {
		return stated
	}
	if _, err := os.Stat(configFile); err == nil {
		return configFile
	}
	return ""
}

// sayProblems prints what is wrong with a configuration as editors read it, or as
// JSON, where the problems are what the program asked for.
func sayProblems(cmd *cobra.Command, err error, asJSON bool) error {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return err
	}
	if asJSON {
		return errors.Join(errSaid, printJSON(cmd, map[string]config.Problems{"problems": problems}))
	}
	for _, problem := range problems {
		progress(cmd, "%s", problem)
	}
	return errSaid
}
