package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway/cmd/protoway/internal/migrate"
)

func newMigrate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate [DIR]",
		Short: "Take over a project of Proto Socket Django",
		Long: `Reads the fps_config.json in DIR, by default this folder, and writes buf.yaml and
buf.gen.yaml beside it, and the annotations of Protoway and the common messages
of Proto Socket into third_party. Files of buf that are there are kept.

With --rewrite the annotations in comments become options. Comments work as they
are, too; only options can state all rules. Proto Socket never enforced the
"auth = false" of a comment, and Protoway does: each one is left off and listed,
unless --trust-auth says that all of them are meant.

If anything is wrong with what is to be rewritten, nothing is written. A second run
changes nothing. The commands that come next are printed; with --local they use a
checkout of Protoway instead of a release.`,
		Example: `  protoway migrate --dry-run
  protoway migrate --rewrite protos
  protoway migrate --rewrite --json
  protoway migrate --local ../protoway    # the next steps use a checkout`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%q is one argument too many", args[1])
			}
			return nil
		},
	}
	var m migration
	cmd.Flags().BoolVar(&m.options.Rewrite, "rewrite", false, "turn annotations in comments into options")
	cmd.Flags().BoolVar(&m.options.TrustAuth, "trust-auth", false, "carry auth = false of comments over")
	cmd.Flags().BoolVar(&m.options.Force, "force", false, "replace a buf.yaml and buf.gen.yaml that are there")
	cmd.Flags().StringVar(&m.options.Module, "module", "", "Go module of the generated code (default: that of the go.mod around DIR)")
	cmd.Flags().StringVar(&m.local, "local", "", "a checkout of Protoway that the next steps use instead of a release")
	cmd.Flags().BoolVar(&m.dryRun, "dry-run", false, "print the files instead of writing them")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m.options.Dir, m.asJSON = ".", *asJSON
		if len(args) == 1 {
			m.options.Dir = args[0]
		}
		return m.run(cmd)
	}
	return cmd
}

// migration is a run of the command.
type migration struct {
	options        migrate.Options
	local          string
	dryRun, asJSON bool
}

func (m *migration) run(cmd *cobra.Command) error {
	next := steps{dir: m.options.Dir}
	if m.local != "" {
		var err error
		if next.local, err = checkout(m.local); err != nil {
			return err
		}
	}
	plan, err := migrate.Make(m.options)
	if err != nil {
		return err
	}
	if err := writePlan(cmd, plan, m.dryRun, m.asJSON); err != nil {
		return err
	}
	if err := reportPlan(cmd, &plan.Report, m.dryRun, m.asJSON); err != nil {
		return err
	}
	next.newModule = plan.NewModule
	if changed := len(plan.Report.Wrote) > 0; (changed || m.local != "") && !m.asJSON && !m.dryRun {
		next.say(cmd)
	}
	return nil
}

// writePlan writes the files, or shows them.
func writePlan(cmd *cobra.Command, plan *migrate.Plan, dryRun, asJSON bool) error {
	for _, file := range plan.Files {
		switch {
		case !dryRun:
			if err := writeFile(file.Path, []byte(file.Text)); err != nil {
				return err
			}
		case !asJSON:
			say(cmd, "==> %s <==\n%s", file.Path, file.Text)
		}
	}
	return nil
}

// reportPlan tells what was found. Mistakes are an error.
func reportPlan(cmd *cobra.Command, report *migrate.Report, dryRun, asJSON bool) error {
	if asJSON {
		if err := printJSON(cmd, report); err != nil {
			return err
		}
	} else {
		sayReport(cmd, report, dryRun)
	}
	if len(report.Mistakes) == 0 {
		return nil
	}
	for _, mistake := range report.Mistakes {
		progress(cmd, "%s", mistake)
	}
	return fmt.Errorf("nothing was written, because of the mistakes above: mend them and run it again (%d)", len(report.Mistakes))
}

func sayReport(cmd *cobra.Command, report *migrate.Report, dryRun bool) {
	verb := map[bool]string{false: "wrote", true: "would write"}[dryRun]
	for _, file := range report.Wrote {
		say(cmd, "%s %s", verb, file)
	}
	for _, file := range report.Rewritten {
		say(cmd, "%s: options for %d messages", file.File, file.Messages)
	}
	for _, file := range report.Kept {
		say(cmd, "kept %s, which differs: --dry-run --force shows what it would be", file)
	}
	for _, note := range report.Notes {
		say(cmd, "note: %s", note)
	}
	for _, place := range report.LeftOff {
		say(cmd, "%s:%d %s: auth = false is left off: if anybody may send it, state auth: false in its option", place.File, place.Line, place.Message)
	}
	if len(report.Mistakes) == 0 && len(report.Wrote) == 0 {
		say(cmd, "Nothing is to be changed.")
	}
}
