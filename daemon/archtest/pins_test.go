package archtest_test

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// A tag of somebody else's can be moved to other code over night: what builds and
// signs our releases, and what our image stands on, is named by its content.
func TestForeignCodeIsPinned(t *testing.T) {
	t.Parallel()
	workflows, err := filepath.Glob("../../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, workflows)
	pinned := regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, file := range workflows {
		for _, use := range regexp.MustCompile(`(?m)uses: (.+)$`).FindAllStringSubmatch(read(t, file), -1) {
			require.Regexp(t, pinned, use[1], "%s: name the commit, and the version in a comment", filepath.Base(file))
		}
	}
	bases := regexp.MustCompile(`(?m)^FROM (.+)$`).FindAllStringSubmatch(read(t, "../../configs/docker/Dockerfile"), -1)
	require.NotEmpty(t, bases)
	for _, base := range bases {
		require.Regexp(t, `@sha256:[0-9a-f]{64}$`, base[1])
	}
}
