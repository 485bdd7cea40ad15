package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway"
)

// printRoutes prints routes as a table.
func printRoutes(cmd *cobra.Command, routes []protoway.Route) {
	if len(routes) == 0 {
		say(cmd, "No messages are handled.")
		return
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PATH\tTYPE\tMESSAGE\tREPLY\tWHO MAY SEND IT\tRECEIVERS\tLANE\tLIMITS")
	unhandled := 0
	for _, r := range routes {
		path := r.Path
		if path == "" {
			path = "!"
			unhandled++
		}
		receivers := strings.Join(r.Receivers, ", ")
		if path == "!" {
			receivers = "nobody handles it"
		}
		fmt.Fprintln(table, strings.Join([]string{
			path, r.Type, r.Message, orDash(r.Reply), senders(r), orDash(receivers), laneOf(r), limitsOf(r),
		}, "\t"))
	}
	_ = table.Flush()
	if unhandled > 0 {
		progress(cmd, "! %d of %d messages that clients may send are handled nowhere: they are refused as unimplemented", unhandled, len(routes))
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// senders says who may send a message.
func senders(r protoway.Route) string {
	var all []string
	if len(r.Permissions) > 0 {
		all = append(all, "permission "+strings.Join(r.Permissions, " and "))
	}
	for _, groups := range r.AllowGroups {
		all = append(all, "group "+strings.Join(groups, " or "))
	}
	if len(r.DenyGroups) > 0 {
		all = append(all, "not group "+strings.Join(r.DenyGroups, " or "))
	}
	switch {
	case len(all) > 0:
		return strings.Join(all, ", ")
	case r.Auth:
		return "signed in"
	default:
		return "everybody"
	}
}

// laneOf says behind what a message waits.
func laneOf(r protoway.Route) string {
	switch {
	case r.Identity:
		return "connection, holds all"
	case r.Lane != "":
		return "per " + r.Lane
	default:
		return "connection"
	}
}

// limitsOf says how large a message may be, and how long it may take.
func limitsOf(r protoway.Route) string {
	all := []string{time.Duration(r.TimeoutSeconds * float64(time.Second)).String()}
	if r.MaxBytes > 0 {
		all = append(all, fmt.Sprintf("%d bytes", r.MaxBytes))
	}
	if !r.Once {
		all = append(all, "not deduplicated")
	}
	return strings.Join(all, ", ")
}
