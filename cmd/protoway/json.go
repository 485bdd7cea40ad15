package main

import (
	"encoding/json"

	"github.com/spf13/cobra"
)

// jsonFlag adds --json to a command whose result a program would read.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print the result as one JSON value")
}

// printJSON prints a result as one JSON value.
func printJSON(cmd *cobra.Command, result any) error {
	encoder := json.NewEncoder(cmd.OutOrStdout())
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(result)
}
