package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/daemon"
)

func newRotateKeyCmd(e env, config *string) *cobra.Command {
	var dry bool
	cmd := &cobra.Command{
		Use:   "rotate-key",
		Short: "Encrypt every channel token under the first secret key",
		Long: `rotate-key encrypts every channel token again, under the first key of
INBOXD_SECRET_KEY, while everything runs. It may be stopped at any moment and run
again; it then goes on with what is left.

Every process must know the new key before it comes first. So: add it behind the
old one and restart all (old,new); put it in front and restart all (new,old); run
rotate-key; when it says that no other key is needed, take the old one away.`,
		Example: `  inboxd rotate-key --dry-run
  inboxd rotate-key --config /etc/inboxd/inboxd.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, warnings, err := daemon.LoadKeys(*config, e.environ)
			e.warn(warnings)
			if err != nil {
				return err
			}
			r, err := daemon.RotateKey(cmd.Context(), c, dry)
			verb := "encrypted anew"
			if dry {
				verb = "would be encrypted anew"
			}
			cmd.Printf("%d %s, %d already under the first key, %d unreadable\n", r.Done, verb, r.Current, len(r.Unreadable))
			switch {
			case err != nil:
				return err
			case len(r.Unreadable) > 0:
				return fmt.Errorf("no key opens the tokens of the channels %v: give the key they were encrypted with too, or give them a new token", r.Unreadable)
			case r.Done > 0 && !dry:
				cmd.Println("run it once more: when nothing is left to do, no other key is needed")
			case r.Done == 0:
				cmd.Println("no other key is needed")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only count")
	return cmd
}
