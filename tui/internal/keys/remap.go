package keys

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Remap returns the map with other keys: words such as "down=n,ctrl+n retry=T".
// What is given replaces all keys of an action. It refuses what would make a slip
// costly: two meanings of one key, a change on anything but a capital, a look on
// one, and any other key for leaving.
func (m Map) Remap(words string) (Map, error) {
	m = slices.Clone(m)
	for word := range strings.FieldsSeq(words) {
		name, list, ok := strings.Cut(word, "=")
		at := slices.IndexFunc(m, func(b Binding) bool { return string(b.Action) == name })
		switch {
		case !ok || list == "":
			return nil, fmt.Errorf("%q is not ACTION=KEY: write for example down=n", word)
		case at < 0:
			return nil, fmt.Errorf("there is no action %q: use one of %s", name, strings.Join(m.names(), ", "))
		case slices.Contains(fixed(), m[at].Action):
			return nil, fmt.Errorf("%s stays on %s: whoever is lost needs it", name, m[at].Label)
		}
		b := m[at]
		b.Keys = nil
		var labels []string
		for key := range strings.SplitSeq(list, ",") {
			key = strings.Replace(key, "space", " ", 1)
			if err := b.takes(key); err != nil {
				return nil, err
			}
			b.Keys, labels = append(b.Keys, key), append(labels, labelOf(key))
		}
		b.Label = strings.Join(labels, " ")
		m[at] = b
	}
	return m, m.conflict()
}

// fixed are the actions that always have their keys.
func fixed() []Action { return []Action{Interrupt, Close, Open, Help} }

func (m Map) names() (names []string) {
	for _, b := range m {
		names = append(names, string(b.Action))
	}
	return names
}

// named are the keys that are no letters, as Bubble Tea names them, and how people
// read them.
func named() map[string]string {
	return map[string]string{
		"up": "Up", "down": "Down", "left": "Left", "right": "Right", "home": "Home", "end": "End", "pgup": "PgUp", "pgdown": "PgDn",
		"tab": "Tab", "shift+tab": "S-Tab", "enter": "Enter", "esc": "Esc", "backspace": "BS", " ": "Space",
	}
}

func labelOf(key string) string {
	if label, ok := named()[key]; ok {
		return label
	}
	return strings.Replace(key, "ctrl+", "^", 1)
}

// takes says why a key cannot be one of this binding.
func (b Binding) takes(key string) error {
	r, size := utf8.DecodeRuneInString(key)
	single := size == len(key) && unicode.IsPrint(r)
	control, isControl := strings.CutPrefix(key, "ctrl+")
	_, isNamed := named()[key]
	switch {
	case !single && !isNamed && (!isControl || len(control) != 1 || control < "a" || control > "z"):
		return fmt.Errorf("%s=%s: that is no key: use a letter or sign, ctrl+ and a letter, space, up, down, left, right, home, end, pgup, pgdown, tab, shift+tab or backspace", b.Action, key)
	case b.Kind == Change && (!single || !unicode.IsUpper(r)):
		return fmt.Errorf("%s=%s: it changes something, so it must be a capital letter: nobody presses one by a slip", b.Action, key)
	case b.Kind != Change && single && unicode.IsUpper(r) && !slices.Contains(capitals(), key):
		return fmt.Errorf("%s=%s: a capital letter is for what changes something, this only looks", b.Action, key)
	}
	return nil
}

// capitals only look, as they do in vi.
func capitals() []string { return []string{"G", "N"} }

// conflict names two actions that have the same key.
func (m Map) conflict() error {
	owner := map[string]Action{}
	for _, b := range m {
		for _, key := range b.Keys {
			if first, taken := owner[key]; taken {
				return fmt.Errorf("%s means both %s and %s: give one of them another key", labelOf(key), first, b.Action)
			}
			owner[key] = b.Action
		}
	}
	return nil
}

// Key is the first key of an action as people read it, for sentences that name it.
func (m Map) Key(action Action) string {
	b, _ := m.of(action)
	return b.Short()
}
