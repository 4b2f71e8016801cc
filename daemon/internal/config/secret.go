package config

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// secret returns the text of a secret from the safest place that has it: a
// systemd credential (never inherited, never swapped), then a file, then the
// environment or the configuration file. Only a flag, which somebody typed for
// this run, wins over all. What is passed over is not even read.
func (l *loader) secret(s Setting, inline string) string {
	if l.from[s.Key] == fromFlag {
		return inline
	}
	path := l.layers.String(s.FileKey())
	if text, found := l.credential(s); found {
		l.passedOver(s, "the systemd credential "+s.Credential(), path != "", inline != "")
		return text
	}
	if path != "" {
		l.passedOver(s, s.FileEnv(), false, inline != "")
		return l.secretFile(s, path)
	}
	l.exposed(s, inline)
	return inline
}

func (l *loader) credential(s Setting) (text string, found bool) {
	directory := ""
	for _, pair := range l.Environ {
		if value, ok := strings.CutPrefix(pair, "CREDENTIALS_DIRECTORY="); ok {
			directory = value
		}
	}
	if directory == "" {
		return "", false
	}
	path := filepath.Join(directory, s.Credential())
	data, err := l.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	l.note(s.Key, fromCredential, "systemd credential "+s.Credential())
	return l.content(s, path, data, err), true
}

func (l *loader) secretFile(s Setting, path string) string {
	data, err := l.ReadFile(path)
	l.note(s.Key, fromFile, cmp.Or(l.where[s.FileKey()], s.FileEnv()))
	return l.content(s, path, data, err)
}

// content takes the line break away that editors and shells leave.
func (l *loader) content(s Setting, path string, data []byte, err error) string {
	text := strings.TrimSpace(string(data))
	switch {
	case err != nil:
		f := unreadable(s.Env, path, err)
		l.fault(s, f.Got, f.Want)
		return ""
	case text == "":
		l.fault(s, quote(path)+" (empty)", "a file that holds "+s.Want())
	}
	return text
}

func (l *loader) passedOver(s Setting, used string, file, inline bool) {
	if file {
		l.warnings = append(l.warnings, s.FileEnv()+" is ignored: "+used+" is used")
	}
	if inline {
		l.warnings = append(l.warnings, s.Env+" is ignored: "+used+" is used")
	}
}

// exposed warns of a secret in a place that others can read. An address without
// a password is no secret.
func (l *loader) exposed(s Setting, text string) {
	if text == "" || strings.Contains(text, "://") && !strings.Contains(text, "@") {
		return
	}
	place := "the environment"
	if l.from[s.Key] == fromYAML {
		place = "the configuration file"
	}
	l.warnings = append(l.warnings, s.Env+" is a secret in "+place+": prefer "+s.FileEnv()+" or the systemd credential "+s.Credential())
}
