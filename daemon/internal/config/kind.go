package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bandeja/inboxd/daemon/internal/secret"
)

// kind is what the values of a setting look like. The words of want are made
// from the same limits that set enforces.
type kind struct {
	want string
	list bool
	// set stores a value that is as wanted, else returns errUnwanted or an
	// error that says more (and holds nothing of a secret).
	set func(c *Config, text string) error
}

var errUnwanted = errors.New("not as wanted")

var (
	wordPattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	versionPattern = regexp.MustCompile(`^v[1-9][0-9]{0,2}\.[0-9]{1,2}$`)
	digitsPattern  = regexp.MustCompile(`^[0-9]{1,32}$`)
	secretPattern  = regexp.MustCompile(`^[!-~]+$`)
)

// sunPath is how many bytes of a unix socket's path the kernel takes.
const sunPath = 107

func check(ok bool) error {
	if !ok {
		return errUnwanted
	}
	return nil
}

func mode() kind {
	return oneOf(func(c *Config, text string) { c.Mode = Mode(text) }, string(API), string(Worker), string(All))
}

// oneOf calls set only with one of the words.

func oneOf(set func(*Config, string), words ...string) kind {
	last := len(words) - 1
	return kind{
		want: strings.Join(words[:last], ", ") + " or " + words[last],
		set: func(c *Config, text string) error {
			if !slices.Contains(words, text) {
				return errUnwanted
			}
			set(c, text)
			return nil
		},
	}
}

func whole(least, most int, field func(*Config) *int) kind {
	return kind{
		want: fmt.Sprintf("a whole number from %d to %d", least, most),
		set: func(c *Config, text string) error {
			n, err := strconv.Atoi(text)
			*field(c) = n
			return check(err == nil && n >= least && n <= most)
		},
	}
}

func share(field func(*Config) *float64) kind {
	return kind{
		want: "a number from 0 to 1, such as 0.1",
		set: func(c *Config, text string) error {
			n, err := strconv.ParseFloat(text, 64)
			*field(c) = n
			return check(err == nil && n >= 0 && n <= 1)
		},
	}
}

func duration(least, most time.Duration, field func(*Config) *time.Duration) kind {
	return kind{
		want: fmt.Sprintf("a duration from %s to %s, such as 20s or 1m30s", brief(least), brief(most)),
		set: func(c *Config, text string) error {
			d, err := time.ParseDuration(text)
			*field(c) = d
			return check(err == nil && d >= least && d <= most)
		},
	}
}

// brief writes 10m where time writes 10m0s.
func brief(d time.Duration) string {
	return strings.Replace(strings.Replace(d.String(), "m0s", "m", 1), "h0m", "h", 1)
}

func word(most int, field func(*Config) *string) kind {
	want := fmt.Sprintf("1 to %d letters, digits, dots, underscores or hyphens", most)
	return text(want, field, func(text string) bool { return len(text) <= most && wordPattern.MatchString(text) })
}

func digits(field func(*Config) *string) kind {
	return text("a number of up to 32 digits", field, digitsPattern.MatchString)
}

func graphVersion(field func(*Config) *string) kind {
	return text("a Graph API version such as v26.0", field, versionPattern.MatchString)
}

func socketPath(field func(*Config) *string) kind {
	want := fmt.Sprintf("an absolute path of at most %d bytes", sunPath)
	return text(want, field, func(text string) bool {
		return filepath.IsAbs(text) && len(text) <= sunPath && !strings.ContainsRune(text, 0)
	})
}

func filePath(field func(*Config) *string) kind {
	return text("the absolute path of a file", field, func(text string) bool {
		return filepath.IsAbs(text) && !strings.ContainsRune(text, 0)
	})
}

func text(want string, field func(*Config) *string, ok func(string) bool) kind {
	return kind{want: want, set: func(c *Config, text string) error {
		*field(c) = text
		return check(ok(text))
	}}
}

func logLevel() kind {
	k := oneOf(func(*Config, string) {}, "debug", "info", "warn", "error")
	known := k.set
	k.set = func(c *Config, text string) error {
		if err := known(c, text); err != nil {
			return err
		}
		return c.LogLevel.UnmarshalText([]byte(text))
	}
	return k
}

func secretText(field func(*Config) *secret.String) kind {
	return kind{want: "a word without spaces", set: func(c *Config, text string) error {
		*field(c) = secret.String(text)
		return check(secretPattern.MatchString(text))
	}}
}

func secretList(field func(*Config) *[]secret.String) kind {
	return kind{
		want: "words without spaces, separated by commas", list: true,
		set: func(c *Config, text string) error {
			for item := range strings.SplitSeq(text, ",") {
				item = strings.TrimSpace(item)
				if !secretPattern.MatchString(item) {
					return errUnwanted
				}
				*field(c) = append(*field(c), secret.String(item))
			}
			return nil
		},
	}
}

func sealingKeys() kind {
	list := secretList(func(c *Config) *[]secret.String { return &c.SecretKeys })
	return kind{
		want: "base64 of 32 bytes (openssl rand -base64 32), several separated by commas", list: true,
		set: func(c *Config, text string) error {
			if err := list.set(c, text); err != nil {
				return err
			}
			_, err := secret.NewSealer(secret.RevealAll(c.SecretKeys))
			return err
		},
	}
}
