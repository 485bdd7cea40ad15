package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/config"
	"github.com/protoway/protoway/status"
)

// tokenSeen is the result of verifying a token.
type tokenSeen struct {
	Valid       bool       `json:"valid"`
	Problem     string     `json:"problem,omitempty"`
	User        string     `json:"user,omitempty"`
	Name        string     `json:"name,omitempty"`
	Permissions []string   `json:"permissions,omitempty"`
	Groups      []string   `json:"groups,omitempty"`
	Superuser   bool       `json:"superuser,omitempty"`
	Issued      *time.Time `json:"issued,omitempty"`
	Expires     *time.Time `json:"expires,omitempty"`
	ID          string     `json:"id,omitempty"`
}

func (f *tokenFlags) verifyToken(cmd *cobra.Command, secret config.Secret) error {
	token := f.verify
	if token == "-" {
		const slack = 64 // for white space and "Bearer "
		text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), auth.MaxTokenBytes+slack))
		if err != nil {
			return fmt.Errorf("the token cannot be read from the input: %w", err)
		}
		token = string(text)
	}
	var opts []auth.Option
	if f.refresh {
		opts = append(opts, auth.RefreshTokens())
	}
	user, err := auth.HS256(secret.Bytes(), opts...).Verify(cmd.Context(), strings.TrimSpace(token))
	if err != nil {
		return f.sayBad(cmd, err)
	}
	seen := tokenSeen{
		Valid: true, User: user.ID, Name: user.Name, Superuser: user.Superuser, ID: user.TokenID,
		Permissions: user.Permissions.Names(), Groups: user.Groups.Names(),
		Issued: utc(user.IssuedAt), Expires: utc(user.Expires),
	}
	if *f.asJSON {
		return printJSON(cmd, seen)
	}
	seen.say(cmd)
	return nil
}

// sayBad says what is wrong with a token. For a program that is the result.
func (f *tokenFlags) sayBad(cmd *cobra.Command, err error) error {
	problem := status.From(err).Text
	if strings.HasPrefix(problem, "wrong token_type") {
		if f.refresh {
			problem += "; without --refresh, access tokens are verified"
		} else {
			problem += "; with --refresh, refresh tokens are verified"
		}
	}
	if *f.asJSON {
		return errors.Join(errSaid, printJSON(cmd, tokenSeen{Problem: problem}))
	}
	return fmt.Errorf("the token is not valid: %s", problem)
}

// say prints a valid token for a person.
func (s tokenSeen) say(cmd *cobra.Command) {
	left := time.Until(*s.Expires).Round(time.Second)
	rows := [][2]string{
		{"user", s.User},
		{"name", s.Name},
		{"permissions", strings.Join(s.Permissions, ", ")},
		{"groups", strings.Join(s.Groups, ", ")},
		{"expires", fmt.Sprintf("%s, in %s", s.Expires.Format(time.RFC3339), left)},
		{"id", s.ID},
	}
	if s.Superuser {
		rows = append(rows, [2]string{"superuser", "yes"})
	}
	if s.Issued != nil {
		rows = append(rows, [2]string{"issued", s.Issued.Format(time.RFC3339)})
	}
	say(cmd, "The token is valid.")
	for _, row := range rows {
		if row[1] != "" {
			say(cmd, "%-12s %s", row[0], printable(row[1]))
		}
	}
}

// utc is nil for no time.
func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// printable keeps what is in a token from moving the cursor.
func printable(text string) string {
	if quoted := strconv.Quote(text); quoted[1:len(quoted)-1] != text {
		return quoted
	}
	return text
}
