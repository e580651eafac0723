package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// cli is the grammar of the command line.
type cli struct {
	Dev     devCommand     `cmd:"" help:"Run a complete world in one process: demo tenants, users, applications, and an inbox."`
	Serve   serveCommand   `cmd:"" help:"Run in production, by a configuration file."`
	Init    initCommand    `cmd:"" help:"Write a configuration file and a root key to start from."`
	Migrate migrateCommand `cmd:"" help:"Bring the database's schema up to this version."`
	Doctor  doctorCommand  `cmd:"" help:"Check configuration, database, keys, clock and disk, and say what to do."`
	Config  struct {
		Check configCheckCommand `cmd:"" help:"Check a configuration file without starting."`
	} `cmd:"" help:"Look at the configuration."`
	User struct {
		Add          userAddCommand          `cmd:"" help:"Add a user with a password."`
		List         userListCommand         `cmd:"" help:"List users."`
		Invite       userInviteCommand       `cmd:"" help:"Invite a person: they get a link and set up their own sign-in."`
		ResetFactors userResetFactorsCommand `cmd:"" help:"Remove a user's sign-in methods, the password aside, and print a ticket for the first new one."`
		Unfreeze     userUnfreezeCommand     `cmd:"" help:"Let a user change sign-in methods again who said that a change was not theirs."`
		Groups       userGroupsCommand       `cmd:"" help:"Show or set the groups that a user is in, of which policies may ask more."`
		Disable      userDisableCommand      `cmd:"" help:"Disable a user: no sign-in, and every session ends."`
		Enable       userEnableCommand       `cmd:"" help:"Let a disabled user sign in again."`
	} `cmd:"" help:"Manage users."`
	Session struct {
		List   sessionListCommand   `cmd:"" help:"List a user's sessions."`
		Revoke sessionRevokeCommand `cmd:"" help:"End a session, or all of a user's."`
	} `cmd:"" help:"Manage sessions."`
	Policy struct {
		Explain  policyExplainCommand  `cmd:"" help:"Say what a user would be asked for, and why."`
		Simulate policySimulateCommand `cmd:"" help:"Run a draft over past sign-ins: who would be asked what."`
	} `cmd:"" help:"Look at what policies decide."`
	Risk struct {
		Replay riskReplayCommand `cmd:"" help:"Compute past assessments of risk again, and compare every byte."`
	} `cmd:"" help:"Look at what sign-ins were assessed as."`
	Key struct {
		Rotate keyRotateCommand `cmd:"" help:"Make a new signing key, or wrap all keys under a new root key."`
	} `cmd:"" help:"Manage keys."`
	Events     eventsCommand     `cmd:"" help:"Print the audit log."`
	Backup     backupCommand     `cmd:"" help:"Write a consistent copy of an SQLite database to a file."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
	Completion completionCommand `cmd:"" help:"Print a completion script for bash, zsh or fish."`
}

// grammar are the parser's options.
func grammar(m *Main) []kong.Option {
	return []kong.Option{
		kong.Name("intelliauth"),
		kong.Description("Sign-in for your applications, with a truthful answer to how sure it is.\n\n" +
			"Try it: `intelliauth dev`. Run it: `intelliauth init`, then `intelliauth serve`."),
		kong.UsageOnError(),
		kong.Writers(m.Stdout, m.Stderr),
		kong.Exit(func(code int) { panic(stopped(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Vars{"listen": "", "config": "intelliauth.yaml", "data": ".intelliauth"},
	}
}

// helpFor points at the help of the command that was meant.
func helpFor(err error) string {
	command := "intelliauth"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if path := parse.Context.Command(); path != "" {
			// "config check <file>" names arguments, which are no commands.
			words, _, _ := strings.Cut(path, " <")
			command += " " + words
		}
	}
	return fmt.Sprintf("`%s --help` shows how it is used", command)
}

// place is where a command works: on the database of a configuration file, or
// on that of `intelliauth dev`.
type place struct {
	Config string `short:"c" default:"${config}" placeholder:"FILE" help:"Configuration file (${default})."`
	Data   string `placeholder:"FOLDER" help:"Work on the data of 'intelliauth dev' in this folder instead."`
}

// inTenant is a place and one of its tenants.
type inTenant struct {
	place
	Tenant string `short:"t" placeholder:"ID" help:"Tenant; may be left out where there is only one."`
}
