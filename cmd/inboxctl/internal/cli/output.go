package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/bandeja/inboxd/admin"
	"github.com/bandeja/inboxd/tui/text"
)

// formats lists the values of -o.
func formats() []string { return []string{"table", "wide", "json", "jsonl", "yaml", "csv", "name"} }

// listView says how a list looks to people; for programs every list looks
// alike.
type listView[T any] struct {
	columns []column[T]
	empty   string            // said on stderr when there is nothing
	orders  map[string]string // the server's, by what --sort says
	ordered bool              // by one of these
	name    func(T) string    // of -o name; nil: the field name, else id
}

// printList writes a list in the format of -o, at once, so that a table is
// never half a table.
func printList[T any](a *app, l admin.List[T], v listView[T]) error {
	var b bytes.Buffer
	columns, wide, err := chosenColumns(a, v.columns)
	if err != nil && a.people() {
		return err
	}
	if !v.ordered {
		if err := sortItems(a, l.Items, v.columns, l.AsOf); err != nil {
			return err
		}
		if a.flags.sort != "" && l.Next != nil {
			return a.onlyPart(len(l.Items), v.orders)
		}
	}
	switch a.flags.output {
	case "json":
		err = writeJSON(&b, l)
	case "yaml":
		err = writeYAML(&b, l)
	case "jsonl":
		err = writeLines(&b, l.Items)
	case "csv":
		err = writeCSV(&b, a, l.Items, !a.flags.noHeaders)
	case "name":
		err = writeNames(&b, l.Items, v.name)
	default:
		if len(l.Items) == 0 {
			a.note("%s\n", v.empty)
			return nil
		}
		writeTable(&b, columns, l.Items, l.AsOf, wide, !a.flags.noHeaders)
	}
	a.fit(&b, true)
	if err := a.flush(&b, err); err != nil {
		return err
	}
	if a.people() && l.StaleMS >= oldAnswer.Milliseconds() {
		a.note("This is how it was %s ago.\n", text.Millis(float64(l.StaleMS)))
	}
	return nil
}

// oldAnswer is how old an answer may be without a word to people.
const oldAnswer = 5 * time.Second

// printOne writes one item; show is what people see of it.
func printOne[T any](a *app, o admin.One[T], show func(b *bytes.Buffer, item T, asOf time.Time)) error {
	var b bytes.Buffer
	var err error
	switch a.flags.output {
	case "json":
		err = writeJSON(&b, o)
	case "yaml":
		err = writeYAML(&b, o)
	case "jsonl":
		err = writeLines(&b, []T{o.Item})
	case "csv":
		err = writeCSV(&b, a, []T{o.Item}, !a.flags.noHeaders)
	case "name":
		err = writeNames(&b, []T{o.Item}, nil)
	default:
		show(&b, o.Item, o.AsOf)
	}
	a.fit(&b, false)
	return a.flush(&b, err)
}

func (a *app) flush(b *bytes.Buffer, err error) error {
	if err == nil {
		_, err = a.Out.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

func writeJSON(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func writeLines[T any](b *bytes.Buffer, items []T) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for _, item := range items {
		if err := e.Encode(item); err != nil {
			return err
		}
	}
	return nil
}

// writeYAML goes through JSON, so that names, order and nulls are the same.
func writeYAML(b *bytes.Buffer, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var node yaml.Node
	if err := yaml.Unmarshal(raw, &node); err != nil {
		return err
	}
	unquote(&node)
	e := yaml.NewEncoder(b)
	e.SetIndent(2)
	if err := e.Encode(&node); err != nil {
		return err
	}
	return e.Close()
}

// unquote drops JSON's style; the encoder quotes again what needs it.
func unquote(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		unquote(c)
	}
}

// writeCSV writes every field, nested ones with dots, in data form. The header
// comes from the type, so an empty list has it too.
func writeCSV[T any](b *bytes.Buffer, a *app, items []T, header bool) error {
	var zero T
	fields, err := flatten(zero)
	if err != nil {
		return err
	}
	chosen, err := chosenFields(a, fields)
	if err != nil {
		return err
	}
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	w := csv.NewWriter(b)
	if header {
		if err := w.Write(chosen); err != nil {
			return err
		}
	}
	for _, item := range items {
		values, err := flatten(item, all...)
		if err != nil {
			return err
		}
		row := make([]string, len(chosen))
		for i, name := range chosen {
			row[i] = text.Clean(fieldOf(values, i, name))
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// needsMoreThanNames refuses -o name for an answer that has no name.
func (a *app) needsMoreThanNames(what string) error {
	if a.flags.output == "name" {
		return usagef("-o name: the answer of %s has no name; use for example -o json", what)
	}
	return nil
}

// writeNames writes what other commands take: the name, else the id.
func writeNames[T any](b *bytes.Buffer, items []T, nameOf func(T) string) error {
	for _, item := range items {
		if nameOf != nil {
			fmt.Fprintln(b, text.Clean(nameOf(item)))
			continue
		}
		fields, err := flatten(item)
		if err != nil {
			return err
		}
		name := ""
		for _, f := range fields {
			if f.value != "" && (f.name == "name" || (f.name == "id" && name == "")) {
				name = f.value
			}
		}
		fmt.Fprintln(b, text.Clean(name))
	}
	return nil
}
