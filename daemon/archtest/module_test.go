package archtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	modulePath = "github.com/bandeja/inboxd"
	moduleRoot = "../.."
)

// pkg is the part of `go list -json` these tests need. Imports are those of the
// files that are built, tests left out.
type pkg struct {
	ImportPath string   `json:"ImportPath"` //nolint:tagliatelle // The go command's own name, like the rest.
	Doc        string   `json:"Doc"`        //nolint:tagliatelle // See above.
	GoFiles    []string `json:"GoFiles"`    //nolint:tagliatelle // See above.
	Imports    []string `json:"Imports"`    //nolint:tagliatelle // See above.
}

// short is the import path as people say it: without the module.
func (p pkg) short() string { return strings.TrimPrefix(p.ImportPath, modulePath+"/") }

// module is every package of ours and everything they link.
type module struct {
	byPath map[string]pkg
	own    []pkg
}

// loadOnce asks the go command one time for all tests.
var loadOnce = sync.OnceValues(func() (module, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=ImportPath,Doc,GoFiles,Imports", "./...")
	cmd.Dir = moduleRoot
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return module{}, fmt.Errorf("go list: %w\n%s", err, stderr.String())
	}
	return decode(out)
})

func decode(out []byte) (module, error) {
	m := module{byPath: map[string]pkg{}}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return module{}, fmt.Errorf("decode go list: %w", err)
		}
		m.byPath[p.ImportPath] = p
		if strings.HasPrefix(p.ImportPath, modulePath+"/") {
			m.own = append(m.own, p)
		}
	}
}

func load(t *testing.T) module {
	t.Helper()
	m, err := loadOnce()
	require.NoError(t, err)
	require.NotEmpty(t, m.own)
	return m
}

// chain returns the shortest way from a package to one whose path matches, nil
// if it does not link any. It is what makes a failure say where to cut.
func (m module) chain(from string, match func(path string) bool) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		if path != from && match(path) {
			var way []string
			for ; path != ""; path = before[path] {
				way = append(way, strings.TrimPrefix(path, modulePath+"/"))
			}
			slices.Reverse(way)
			return way
		}
		for _, next := range m.byPath[path].Imports {
			if _, seen := before[next]; !seen {
				before[next] = path
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// under reports whether a path is a package or inside of it.
func under(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}
