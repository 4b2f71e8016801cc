package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is a YAML file read against the table: the text of every setting it
// has, where it stands, and what is wrong with its form. Values are taken as
// they are written, so that a version 26.0 stays "26.0"; aliases are refused, so
// that a small file cannot grow.
type document struct {
	name   string
	values map[string]any // by key; the value is a string
	lines  map[string]int
	faults Faults
	broken bool            // no YAML at all
	leaves map[string]bool // known keys → takes a list
}

func readYAML(path string, data []byte, table []Setting) *document {
	d := &document{
		name: filepath.Base(path), values: map[string]any{}, lines: map[string]int{}, leaves: map[string]bool{},
	}
	for _, s := range table {
		d.leaves[s.Key] = s.List()
		if s.Secret {
			d.leaves[s.FileKey()] = false
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root, more yaml.Node
	err := decoder.Decode(&root)
	if errors.Is(err, io.EOF) {
		return d // Nothing but comments.
	}
	if err == nil && !errors.Is(decoder.Decode(&more), io.EOF) {
		err = errors.New("more than one document")
	}
	if err != nil {
		d.broken = true
		d.faults = append(d.faults, Fault{
			Setting: d.name, Got: "no valid YAML (" + strings.TrimPrefix(err.Error(), "yaml: ") + ")", Want: "one YAML mapping of settings",
		})
		return d
	}
	d.section("", root.Content[0])
	return d
}

// section reads the keys of one mapping; prefix is "" or "meta.".
func (d *document) section(prefix string, node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		if node.Tag != "!!null" {
			name := strings.TrimSuffix(prefix, ".")
			d.fault(d.nameOf(name), node, shape(node), "a mapping of settings")
		}
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := prefix + key.Value
		switch list, leaf := d.leaves[name]; {
		case key.Kind != yaml.ScalarNode:
			d.fault(d.nameOf(strings.TrimSuffix(prefix, ".")), key, "a key that is "+shape(key), "the name of a setting")
		case seen[name]:
			d.fault(quoteName(name), key, "it twice", "it once")
		case strings.Contains(key.Value, "."):
			d.unknown(name, key)
		case leaf:
			d.leaf(name, value, list)
		case d.isSection(name):
			d.section(name+".", value)
		default:
			d.unknown(name, key)
		}
		seen[name] = true
	}
}

func (d *document) leaf(name string, node *yaml.Node, list bool) {
	d.lines[name] = node.Line
	switch {
	case node.Kind == yaml.ScalarNode && node.Tag == "!!null":
	case node.Kind == yaml.ScalarNode:
		d.values[name] = node.Value
	case node.Kind == yaml.SequenceNode && list:
		items := make([]string, len(node.Content))
		for i, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				d.fault(name, item, "a list with "+shape(item), "a list of words")
				return
			}
			items[i] = item.Value
		}
		d.values[name] = strings.Join(items, ",")
	default:
		d.fault(name, node, shape(node), "a single value")
	}
}

func (d *document) unknown(name string, node *yaml.Node) {
	names := make([]string, 0, len(d.leaves))
	for key := range d.leaves {
		names = append(names, key)
	}
	slices.Sort(names)
	want := "a setting of the guide (docs/configure.md)"
	if near := nearest(name, names); near != "" {
		section, key, nested := strings.Cut(near, ".")
		want = near
		if nested {
			want = fmt.Sprintf("%s under %s", key, section)
		}
	}
	d.fault(quoteName(name), node, "an unknown key", want)
}

func (d *document) fault(name string, node *yaml.Node, got, want string) {
	d.faults = append(d.faults, Fault{Setting: name, Where: d.at(node.Line), Got: got, Want: want})
}

// at says where a line is: "inboxd.yaml, line 3".
func (d *document) at(line int) string { return d.name + ", line " + strconv.Itoa(line) }

func (d *document) isSection(name string) bool {
	for key := range d.leaves {
		if strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return false
}

func (d *document) nameOf(section string) string {
	if section == "" {
		return "the file"
	}
	return section
}

func shape(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	default:
		return "a single value"
	}
}
