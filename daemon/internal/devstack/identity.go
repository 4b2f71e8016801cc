package devstack

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// identity is the user PostgreSQL runs as when we are root: it refuses to run
// as root itself.
type identity struct {
	name     string
	uid, gid uint32
}

// serverUser returns who runs PostgreSQL; nil: we ourselves.
func serverUser() (*identity, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // Nobody else is a valid answer.
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID == nil && errGID == nil && uid != 0 {
			return &identity{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as")
}

// own gives a directory to the identity.
func (i *identity) own(dir string) error {
	if i == nil {
		return nil
	}
	if err := os.Chown(dir, int(i.uid), int(i.gid)); err != nil {
		return fmt.Errorf("give %s to user %s: %w", dir, i.name, err)
	}
	return nil
}

// credential returns what a child process needs to become the identity.
func (i *identity) credential() *syscall.Credential {
	if i == nil {
		return nil
	}
	return &syscall.Credential{Uid: i.uid, Gid: i.gid}
}
