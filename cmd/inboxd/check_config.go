package main

import "github.com/spf13/cobra"

func newCheckConfigCmd(e env, config *string) *cobra.Command {
	var settings settingFlags
	cmd := &cobra.Command{
		Use:   "check-config",
		Short: "Check the settings; prints every fault at once and exits 78 if there is one",
		Example: `  inboxd check-config --config /etc/inboxd/inboxd.yaml
  APP_MODE=worker inboxd check-config`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(e, *config, settings.values())
			if err != nil {
				return err
			}
			cmd.Printf("the settings are fine (mode %s)\n", c.Mode)
			return nil
		},
	}
	settings.add(cmd)
	return cmd
}
