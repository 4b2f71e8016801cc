package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/bandeja/inboxd/admin"
)

// maxSecret bounds what is read as a token.
const maxSecret = 8 << 10

// target is the server a command talks to. Of its Context only Server is set
// when the address did not come from one.
type target struct {
	admin.Context

	from origin
}

// resolve finds the server: flags first, then the environment, then the current
// context, then the socket of this machine. A context's token goes to the
// context's server only.
func (a *app) resolve() (target, error) {
	t, explicit, err := a.named()
	if err != nil {
		return t, err
	}
	file := a.flags.tokenFile
	if file == "" && !explicit {
		file = a.Getenv("INBOXCTL_TOKEN_FILE")
	}
	if file != "" {
		t.TokenFile, t.Token = "", ""
		if t.Token, err = a.readSecret(file); err != nil {
			return t, fmt.Errorf("read the token: %w", err)
		}
	}
	return t, nil
}

// named returns the context to use; explicit if --context named it, so that
// its own token counts before the environment's.
func (a *app) named() (t target, explicit bool, err error) {
	if a.flags.server != "" {
		return target{admin.Context{Server: a.flags.server}, fromFlag}, false, nil
	}
	name, from := a.flags.context, fromContextFlag
	if name == "" {
		if server := a.Getenv("INBOXCTL_SERVER"); server != "" {
			return target{admin.Context{Server: server}, fromEnv}, false, nil
		}
		name, from = a.Getenv("INBOXCTL_CONTEXT"), fromContextEnv
	}
	config, _, err := a.config()
	if err != nil {
		return t, false, err
	}
	if name == "" {
		name, from = config.Current, fromCurrent
	}
	if name == "" {
		return target{admin.Context{Server: admin.DefaultServer}, fromDefault}, false, nil
	}
	x, ok := config.Find(name)
	if !ok {
		return t, false, noContext(name, config)
	}
	return target{x, from}, a.flags.context != "", nil
}

func noContext(name string, config admin.Config) error {
	text := fmt.Sprintf("there is no context %q", name)
	if near := admin.Nearest(name, config.Names()); near != "" {
		text += ": did you mean " + near + "?"
	} else {
		text += ": see `inboxctl context list`"
	}
	return &admin.Error{Kind: admin.NotFound, Code: "context_not_found", Text: text}
}

func (a *app) config() (admin.Config, string, error) {
	path := a.flags.config
	if path == "" {
		var err error
		if path, err = admin.ConfigPath(a.Getenv); err != nil {
			return admin.Config{}, "", err
		}
	}
	config, err := admin.LoadConfig(path)
	return config, path, err
}

// connect returns a client for the resolved server; it does not call yet.
func (a *app) connect() (*admin.Client, target, error) {
	t, err := a.resolve()
	if err != nil {
		return nil, t, err
	}
	client, err := a.dial(t)
	return client, t, err
}

func (a *app) dial(t target) (*admin.Client, error) {
	a.target = t
	token, err := t.ReadToken()
	if err != nil {
		return nil, notAllowed(err)
	}
	a.client, err = admin.NewClient(admin.Options{
		Server: t.Server, Token: token, Version: a.Build.Version, Timeout: a.flags.timeout,
	})
	return a.client, err
}

// notAllowed: a token that cannot be read is a login that is missing.
func notAllowed(err error) error {
	return &admin.Error{Kind: admin.Unauthorized, Code: "no_token", Text: err.Error() + ": log in again with `inboxctl login`", Err: err}
}

// readSecret reads a token from a file, or from stdin for "-".
func (a *app) readSecret(file string) (string, error) {
	var from io.Reader = a.lines
	if file != "-" {
		f, err := os.Open(file) //nolint:gosec // The operator names the file.
		if errors.Is(err, fs.ErrNotExist) {
			return "", usagef("there is no file %s", file)
		}
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxSecret+1))
	secret := admin.TrimToken(raw)
	switch {
	case err != nil:
		return "", err
	case len(raw) > maxSecret:
		return "", usagef("%s is too long to be a token", file)
	case secret == "":
		return "", usagef("%s is empty: put the token into it", file)
	}
	return secret, nil
}
