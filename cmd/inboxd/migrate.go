package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/daemon"
)

func newMigrateCmd(e env, config *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate up|status|down",
		Short: "Bring the database schema up to date, or look at it",
		Example: `  inboxd migrate status
  inboxd migrate up`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("say up, status or down")
			}
			return usagef("migrate knows up, status and down, not %q", args[0])
		},
		RunE: func(*cobra.Command, []string) error { return nil },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "up", Short: "Apply every pending step; safe while others run", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				c, err := loadDatabase(e, *config)
				if err != nil {
					return err
				}
				pending, err := pendingSteps(cmd.Context(), c)
				if err != nil {
					return err
				}
				if err := daemon.Migrate(cmd.Context(), c); err != nil {
					return err
				}
				if pending == 0 {
					cmd.Println("nothing to do: the schema is up to date")
				} else {
					cmd.Printf("applied %d, the schema is up to date:\n", pending)
				}
				return printSteps(cmd, c)
			},
		},
		&cobra.Command{
			Use: "status", Short: "List the steps and when each was applied", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				c, err := loadDatabase(e, *config)
				if err != nil {
					return err
				}
				return printSteps(cmd, c)
			},
		},
		newMigrateDownCmd(e, config),
	)
	return cmd
}

func newMigrateDownCmd(e env, config *string) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "down", Short: "Take the newest step back, with its data", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes {
				return usagef("this deletes the data of the newest step: say --yes")
			}
			c, err := loadDatabase(e, *config)
			if err != nil {
				return err
			}
			if err := daemon.MigrateDown(cmd.Context(), c); err != nil {
				return err
			}
			return printSteps(cmd, c)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

func pendingSteps(ctx context.Context, c daemon.Config) (n int, err error) {
	steps, err := daemon.MigrationStatus(ctx, c)
	for _, s := range steps {
		if s.AppliedAt.IsZero() {
			n++
		}
	}
	return n, err
}

func printSteps(cmd *cobra.Command, c daemon.Config) error {
	steps, err := daemon.MigrationStatus(cmd.Context(), c)
	if err != nil {
		return err
	}
	for _, s := range steps {
		at := "pending"
		switch {
		case s.Newer:
			at = "applied"
		case !s.AppliedAt.IsZero():
			at = s.AppliedAt.UTC().Format(time.RFC3339)
		}
		cmd.Printf("%-20s  %s\n", at, s.Name)
	}
	return nil
}
