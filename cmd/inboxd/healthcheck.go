package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bandeja/inboxd/daemon"
)

// mostHealth bounds what is read of an answer that may not be ours.
const mostHealth = 1 << 16

func newHealthcheckCmd(e env, config *string) *cobra.Command {
	var settings settingFlags
	var live bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the process of these settings whether it is ready; exits 1 if not",
		Long: `healthcheck asks the metrics listener that the same settings give a process
whether it is ready to work, as a container without a shell or curl needs it. It
prints what is not well.`,
		Example: `  inboxd healthcheck
  APP_MODE=worker inboxd healthcheck --live`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, warnings, err := daemon.LoadMetricsListen(*config, e.environ, settings.values())
			e.warn(warnings)
			if err != nil {
				return err
			}
			path := "/readyz"
			if live {
				path = "/livez"
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			if err := askHealth(ctx, "http://"+reachable(c.MetricsListen)+path); err != nil {
				return err
			}
			cmd.Println("ok")
			return nil
		},
	}
	cmd.Flags().BoolVar(&live, "live", false, "ask only whether its loops turn (/livez)")
	cmd.Flags().DurationVar(&timeout, "timeout", 5*time.Second, "longest wait for the answer")
	settings.add(cmd)
	return cmd
}

// reachable is the address to ask a listener of every address at.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}

// askHealth returns nil if the process says that all is well, else which parts
// are not.
func askHealth(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var report struct {
		Parts []struct {
			Name  string `json:"name"`
			OK    bool   `json:"ok"`
			Error string `json:"error"`
		} `json:"parts"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, mostHealth)).Decode(&report); err != nil {
		return fmt.Errorf("%s is not inboxd's: %w", url, err)
	}
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	var ill []string
	for _, p := range report.Parts {
		if !p.OK {
			ill = append(ill, p.Name+": "+p.Error)
		}
	}
	return fmt.Errorf("not well (%d): %s", answer.StatusCode, strings.Join(ill, "; "))
}
