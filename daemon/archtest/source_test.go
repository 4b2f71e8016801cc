package archtest_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mostLines is where a file has stopped being about one thing.
const mostLines = 500

// A newcomer reads package comments first.
func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	t.Parallel()

	var silent []string
	for _, p := range load(t).own {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			silent = append(silent, p.short())
		}
	}
	require.Empty(t, silent, "these have no package comment: say what they own and what they refuse")
}

// An init runs in every command, before main can decide anything. The one we
// have must run before bubbletea's, which asks the terminal questions.
func TestNoInitButTheTerminalGuard(t *testing.T) {
	t.Parallel()

	fset := token.NewFileSet()
	for _, path := range goFiles(t) {
		if strings.HasPrefix(path, "tui/internal/termguard/") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(moduleRoot, path), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			require.False(t, ok && fn.Recv == nil && fn.Name.Name == "init",
				"%s has an init function: do the work in a constructor, where main can see it", path)
		}
	}
}

// Long files are where nobody finds anything.
func TestFilesStayShort(t *testing.T) {
	t.Parallel()

	// Tables of data may be long; nothing else.
	excepted := map[string]bool{}

	for _, path := range goFiles(t) {
		if excepted[path] {
			continue
		}
		content, err := os.ReadFile(filepath.Join(moduleRoot, path))
		require.NoError(t, err)
		lines := bytes.Count(content, []byte("\n"))
		require.LessOrEqual(t, lines, mostLines, "%s has %d lines, the most is %d: split it by what it is about", path, lines, mostLines)
	}
}

// goFiles returns our Go files, slash-separated and relative to the root of the
// module; modules of their own inside are not ours to judge here.
func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(moduleRoot, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(moduleRoot, path)
		if err != nil {
			return err
		}
		if d.IsDir() && rel != "." {
			_, noModule := os.Stat(filepath.Join(path, "go.mod"))
			if noModule == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return filepath.SkipDir
			}
		}
		if strings.HasSuffix(rel, ".go") {
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}
