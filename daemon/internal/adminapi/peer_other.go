//go:build !linux && !darwin

package adminapi

import (
	"errors"
	"net"
)

// peerUID is not known here: callers need a token.
func peerUID(*net.UnixConn) (uint32, error) {
	return 0, errors.New("peer credentials are not known on this system")
}
