package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Context is a server an operator has named. At most one of TokenFile and Token
// is set. Protected contexts want a reason and a typed name for every change,
// ReadOnly ones refuse them; Colour marks the prompt.
type Context struct {
	Name      string `json:"name"`
	Server    string `json:"server"`
	TokenFile string `json:"token_file,omitempty"`
	Token     string `json:"token,omitempty"`
	Protected bool   `json:"protected,omitempty"`
	ReadOnly  bool   `json:"read_only,omitempty"`
	Colour    string `json:"colour,omitempty"`
}

// ReadToken returns the context's token, "" if it has none.
func (c Context) ReadToken() (string, error) {
	if c.TokenFile == "" {
		return c.Token, nil
	}
	raw, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read the token of context %s: %w", c.Name, err)
	}
	return TrimToken(raw), nil
}

// Config is the file of contexts. Current is a name, or empty; Previous was
// current before it.
type Config struct {
	Current  string    `json:"current,omitempty"`
	Previous string    `json:"previous,omitempty"`
	Contexts []Context `json:"contexts"`
}

// ConfigPath returns where the file is: INBOXCTL_CONFIG, else config.json in
// inboxctl under XDG_CONFIG_HOME or ~/.config.
func ConfigPath(getenv func(string) string) (string, error) {
	if path := getenv("INBOXCTL_CONFIG"); path != "" {
		return path, nil
	}
	dir := getenv("XDG_CONFIG_HOME")
	if home := getenv("HOME"); dir == "" && home != "" {
		dir = filepath.Join(home, ".config")
	}
	if dir == "" {
		return "", errorf(Invalid, "no_config", "neither HOME nor XDG_CONFIG_HOME is set: name the file with --config or INBOXCTL_CONFIG")
	}
	return filepath.Join(dir, "inboxctl", "config.json"), nil
}

// LoadConfig reads the file; one that does not exist is an empty Config. A file
// that others may read is refused, because it may hold tokens.
func LoadConfig(path string) (Config, error) {
	var c Config
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read contexts: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return c, errorf(Forbidden, "config_mode", "%s may be read by others (mode %#o): run `chmod 600 %s`", path, info.Mode().Perm(), path)
	}
	raw, err := os.ReadFile(path) //nolint:gosec // The operator names the file.
	if err != nil {
		return c, fmt.Errorf("read contexts: %w", err)
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, errorf(Invalid, "bad_config", "%s is not a file of contexts: %v", path, err)
	}
	return c, nil
}

// Save writes the file, whole or not at all, readable by its owner only.
func (c *Config) Save(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save contexts: %w", err)
	}
	if c.Contexts == nil {
		c.Contexts = []Context{}
	}
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("save contexts: %w", err)
	}
	if err := replace(dir, path, append(raw, '\n')); err != nil {
		return fmt.Errorf("save contexts: %w", err)
	}
	return nil
}

// replace writes a temporary file beside path (os.CreateTemp makes it 0600) and
// renames it over path.
func replace(dir, path string, raw []byte) error {
	f, err := os.CreateTemp(dir, ".config-*.json")
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Find returns the context with this name.
func (c *Config) Find(name string) (Context, bool) {
	i := slices.IndexFunc(c.Contexts, func(x Context) bool { return x.Name == name })
	if i < 0 {
		return Context{}, false
	}
	return c.Contexts[i], true
}

// Names lists the names of all contexts, sorted.
func (c *Config) Names() []string {
	names := make([]string, 0, len(c.Contexts))
	for _, x := range c.Contexts {
		names = append(names, x.Name)
	}
	slices.Sort(names)
	return names
}

// Use makes a context the current one.
func (c *Config) Use(name string) {
	if c.Current != name {
		c.Previous, c.Current = c.Current, name
	}
}

// Put adds x, or replaces the context of the same name.
func (c *Config) Put(x Context) {
	c.Contexts = slices.DeleteFunc(c.Contexts, func(old Context) bool { return old.Name == x.Name })
	c.Contexts = append(c.Contexts, x)
	slices.SortFunc(c.Contexts, func(a, b Context) int { return strings.Compare(a.Name, b.Name) })
}

// Remove drops the context with this name; there is no current one after it, if
// it was that.
func (c *Config) Remove(name string) {
	c.Contexts = slices.DeleteFunc(c.Contexts, func(x Context) bool { return x.Name == name })
	if c.Current == name {
		c.Current = ""
	}
	if c.Previous == name {
		c.Previous = ""
	}
}

// AddContext puts x into the file at path, and makes it the current one only if
// there is none.
func AddContext(path string, x Context) error {
	c, err := LoadConfig(path)
	if err != nil {
		return err
	}
	c.Put(x)
	if _, ok := c.Find(c.Current); !ok {
		c.Current = x.Name
	}
	return c.Save(path)
}

// RemoveContext drops the context of this name and server from the file at
// path. One that has been put to another server since is left alone.
func RemoveContext(path, name, server string) error {
	c, err := LoadConfig(path)
	if err != nil {
		return err
	}
	if x, ok := c.Find(name); !ok || x.Server != server {
		return nil
	}
	c.Remove(name)
	return c.Save(path)
}

// TrimToken returns a token as it was read from a file: without the line end.
func TrimToken(raw []byte) string { return strings.TrimSpace(string(raw)) }
