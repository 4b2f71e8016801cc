package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"
)

// Options says where the settings come from.
type Options struct {
	ConfigPath string                            // YAML file; empty: none
	Environ    []string                          // "NAME=value", as os.Environ gives it
	Flags      map[string]string                 // values of flags by the setting's key; they win over everything
	ReadFile   func(path string) ([]byte, error) // nil: os.ReadFile
	Only       []string                          // keys of the settings a command needs, all required; empty: all
}

// Load reads the settings. An empty value, wherever it stands, means that it is
// not set there. The error is a Faults with everything that is wrong; the
// Config is usable only without it. Warnings come in either case.
func Load(o Options) (Config, Warnings, error) {
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	l := &loader{
		Options: o, table: Settings(), layers: koanf.New("."),
		from: map[string]origin{}, where: map[string]string{}, bad: map[string]bool{},
	}
	for _, layer := range []func() error{l.defaults, l.file, l.environment, l.flags} {
		if err := layer(); err != nil {
			return Config{}, l.warnings, err
		}
	}
	var c Config
	for _, s := range l.table {
		if len(o.Only) == 0 {
			l.apply(&c, s)
		} else if slices.Contains(o.Only, s.Key) {
			s.Required = []Mode{API, Worker, All}
			l.apply(&c, s)
		}
	}
	if len(o.Only) == 0 {
		l.together(&c)
	}
	if len(l.faults) > 0 {
		return Config{}, l.warnings, l.faults
	}
	return c, l.warnings, nil
}

// origin is the layer a value comes from.
type origin int

const (
	fromDefault origin = iota
	fromYAML
	fromEnv
	fromFlag
	fromFile
	fromCredential
)

type loader struct {
	Options
	table    []Setting
	layers   *koanf.Koanf
	from     map[string]origin // by key, FileKey included
	where    map[string]string // by key: the words for Fault.Where
	bad      map[string]bool   // keys with a fault already
	unread   bool              // the file could not be read: what is missing may be in it
	faults   Faults
	warnings Warnings
}

func (l *loader) defaults() error {
	values := map[string]any{}
	for _, s := range l.table {
		if s.Default != "" {
			values[s.Key] = s.Default
		}
	}
	return l.layers.Load(confmap.Provider(values, "."), nil)
}

func (l *loader) file() error {
	if l.ConfigPath == "" {
		return nil
	}
	data, err := l.ReadFile(l.ConfigPath)
	if err != nil {
		l.unread = true
		l.faults = append(l.faults, unreadable("--config", l.ConfigPath, err))
		return nil
	}
	d := readYAML(l.ConfigPath, data, l.table)
	l.unread = d.broken
	l.faults = append(l.faults, d.faults...)
	for _, f := range d.faults {
		l.bad[f.Setting] = true
	}
	for key, value := range d.values {
		if value == "" {
			delete(d.values, key)
			continue
		}
		l.note(key, fromYAML, key+" in "+d.at(d.lines[key]))
	}
	return l.layers.Load(confmap.Provider(d.values, "."), nil)
}

func (l *loader) environment() error {
	keys, names := map[string]string{}, []string{}
	for _, s := range l.table {
		keys[s.Env], names = s.Key, append(names, s.Env)
		if s.Secret {
			keys[s.FileEnv()], names = s.FileKey(), append(names, s.FileEnv())
		}
	}
	var strange Warnings
	provider := env.Provider(".", env.Opt{
		EnvironFunc: func() []string { return l.Environ },
		TransformFunc: func(name, value string) (string, any) {
			key, known := keys[name]
			if !known && strings.HasPrefix(name, "INBOXD_") {
				strange = append(strange, strangeVariable(name, names))
			}
			if !known || value == "" {
				return "", nil
			}
			l.note(key, fromEnv, "")
			return key, value
		},
	})
	err := l.layers.Load(provider, nil)
	slices.Sort(strange)
	l.warnings = append(l.warnings, strange...)
	return err
}

func strangeVariable(name string, known []string) string {
	warning := quoteName(name) + " is no setting of inboxd and is ignored"
	short := func(name string) string { return strings.TrimPrefix(name, "INBOXD_") }
	candidates := map[string]string{}
	for _, k := range known {
		candidates[short(k)] = k
	}
	if near := nearest(short(name), slices.Sorted(maps.Keys(candidates))); near != "" {
		warning += "; did you mean " + candidates[near] + "?"
	}
	return warning
}

func (l *loader) flags() error {
	values := map[string]any{}
	for key, value := range l.Flags {
		if !slices.ContainsFunc(l.table, func(s Setting) bool { return s.Key == key }) {
			l.faults = append(l.faults, Fault{Setting: quoteName(key), Where: "flag", Got: "an unknown key", Want: "a setting"})
			continue
		}
		if value != "" {
			values[key] = value
			l.note(key, fromFlag, "flag")
		}
	}
	return l.layers.Load(confmap.Provider(values, "."), nil)
}

func (l *loader) note(key string, from origin, where string) {
	l.from[key], l.where[key] = from, where
}

// apply checks one value and stores it.
func (l *loader) apply(c *Config, s Setting) {
	text := l.layers.String(s.Key)
	if s.Secret {
		text = l.secret(s, text)
	}
	if s.Worker != "" && c.Mode == Worker && l.from[s.Key] == fromDefault {
		text = s.Worker
	}
	switch {
	case l.bad[s.Key]:
	case text == "" && s.requiredIn(c.Mode) && !l.unread:
		l.fault(s, "nothing", s.Want())
	case text != "":
		if err := s.kind.set(c, text); err != nil {
			l.fault(s, l.show(s, text), wanted(s, err))
		}
	}
}

func wanted(s Setting, err error) string {
	if errors.Is(err, errUnwanted) {
		return s.Want()
	}
	return s.Want() + " (" + strings.ReplaceAll(err.Error(), "\n", "; ") + ")"
}

func (l *loader) show(s Setting, text string) string {
	if s.Secret {
		return "[redacted]"
	}
	return quote(text)
}

func (l *loader) fault(s Setting, got, want string) {
	l.bad[s.Key] = true
	l.faults = append(l.faults, Fault{Setting: s.Env, Where: l.where[s.Key], Got: got, Want: want})
}

func unreadable(setting, path string, err error) Fault {
	reason := err.Error()
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		reason = pathError.Err.Error()
	}
	return Fault{Setting: setting, Got: quote(path) + " (" + reason + ")", Want: "a readable file"}
}
