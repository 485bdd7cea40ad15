package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/config"
)

// The lives of tokens that are made by hand.
const (
	accessLife  = 15 * time.Minute
	refreshLife = 24 * time.Hour
)

// tokenFlags are what the command line says.
type tokenFlags struct {
	user, name          string
	permissions, groups []string
	superuser, refresh  bool
	life                time.Duration
	secret, secretFile  string
	verify              string
	asJSON              *bool
}

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make a token for development, or say what is wrong with one",
		Long: `Prints an access token for a user, signed with HS256, for development and tests;
or verifies one and says whose it is, or exactly what is wrong with it.

The secret is that of the server (auth.secret): from the file of --secret-file,
else from the variable PROTOWAY_AUTH_SECRET, else from the file that
PROTOWAY_AUTH_SECRET_FILE names. --secret works too, but other users of this
machine can see it, and the shell's history keeps it.`,
		Example: `  protoway token --user ann --group staff --permission chat.add_room
  protoway token --user ci --life 1h --secret-file /run/secrets/auth
  protoway token --verify eyJhbGciOi...
  protoway token --verify - --json    # reads the token from the input`,
		Args: exactly(),
	}
	f := &tokenFlags{asJSON: jsonFlag(cmd)}
	flags := cmd.Flags()
	flags.StringVar(&f.user, "user", "", "id of the user")
	flags.StringVar(&f.name, "name", "", "name of the user, for people")
	flags.StringArrayVar(&f.permissions, "permission", nil, "a permission of the user; may be repeated")
	flags.StringArrayVar(&f.groups, "group", nil, "a group of the user; may be repeated")
	flags.BoolVar(&f.superuser, "superuser", false, "let the user do everything")
	flags.DurationVar(&f.life, "life", 0, "how long the token is good (default 15m, of a refresh token 24h)")
	flags.BoolVar(&f.refresh, "refresh", false, "a refresh token instead of an access token")
	flags.StringVar(&f.secret, "secret", "", "the secret; better a file or a variable")
	flags.StringVar(&f.secretFile, "secret-file", "", "a file with the secret")
	flags.StringVar(&f.verify, "verify", "", "verify this token; - reads it from the input")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := f.check(cmd); err != nil {
			return err
		}
		secret, err := f.findSecret(cmd)
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("verify") {
			return f.verifyToken(cmd, secret)
		}
		return f.makeToken(cmd, secret)
	}
	return cmd
}

// check finds flags that do not go together.
func (f *tokenFlags) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	about := []string{"user", "name", "permission", "group", "superuser", "life"}
	switch {
	case changed("verify"):
		for _, name := range about {
			if changed(name) {
				return usagef("--%s is for making a token, and --verify looks at one: leave one of them out", name)
			}
		}
	case f.user == "":
		return usagef("--user is missing: whose token shall it be? Or verify one with --verify")
	case changed("life") && f.life < time.Second:
		return usagef("--life %s is too short: a token lives for a second at least", f.life)
	case f.refresh:
		for _, name := range about[1:5] {
			if changed(name) {
				return usagef("--%s does not go with --refresh: such a token says who the user is and nothing else", name)
			}
		}
	}
	if f.secret != "" && f.secretFile != "" {
		return usagef("--secret and --secret-file are both stated: one is enough")
	}
	return nil
}

// findSecret takes the secret from where it is stated.
func (f *tokenFlags) findSecret(cmd *cobra.Command) (secret config.Secret, err error) {
	const variable, fileVariable = "PROTOWAY_AUTH_SECRET", "PROTOWAY_AUTH_SECRET_FILE"
	var from string
	switch inVariable, inFile := os.Getenv(variable), os.Getenv(fileVariable); {
	case f.secret != "":
		from, secret = "--secret", config.NewSecret([]byte(f.secret))
		progress(cmd, "warning: a secret in the command line can be seen by others and stays in the shell's history; use --secret-file or %s", variable)
	case f.secretFile != "":
		from = "--secret-file"
		secret, err = config.ReadSecret(f.secretFile)
	case inVariable != "":
		from, secret = variable, config.NewSecret([]byte(inVariable))
	case inFile != "":
		from = fileVariable
		secret, err = config.ReadSecret(inFile)
	default:
		return secret, usagef("there is no secret: state that of the server with --secret-file or %s", variable)
	}
	if err := errors.Join(err, secret.Check()); err != nil {
		return secret, fmt.Errorf("%s: the secret cannot be used: %w", from, err)
	}
	return secret, nil
}

// tokenMade is the result of making a token.
type tokenMade struct {
	Token   string    `json:"token"`
	Type    string    `json:"type"`
	User    string    `json:"user"`
	Expires time.Time `json:"expires"`
}

func (f *tokenFlags) makeToken(cmd *cobra.Command, secret config.Secret) error {
	made := tokenMade{Type: "access", User: f.user}
	life := accessLife
	if f.refresh {
		made.Type, life = "refresh", refreshLife
	}
	if f.life > 0 {
		life = f.life
	}
	now := time.Now()
	made.Expires = time.Unix(now.Add(life).Unix(), 0).UTC() // as the token has it
	issuer := auth.NewIssuer(secret.Bytes(), auth.IssuerConfig{
		AccessLifetime: life, RefreshLifetime: life, Clock: func() time.Time { return now },
	})
	sign := issuer.AccessToken
	if f.refresh {
		sign = issuer.RefreshToken
	}
	var err error
	made.Token, err = sign(&auth.User{
		ID: f.user, Name: f.name, Superuser: f.superuser,
		Permissions: auth.NewSet(f.permissions...), Groups: auth.NewSet(f.groups...),
	})
	if err != nil {
		return fmt.Errorf("the token cannot be made: %w", err)
	}
	if *f.asJSON {
		return printJSON(cmd, made)
	}
	say(cmd, "%s", made.Token)
	return nil
}
