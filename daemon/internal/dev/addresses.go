package dev

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"github.com/bandeja/inboxd/daemon/internal/devstack"
)

// longestSocket is how many bytes a unix socket's path may have, with a margin.
const longestSocket = 100

// chooseAddresses fills in what the user has not set.
func (s *stage) chooseAddresses(ctx context.Context) error {
	port, err := devstack.FreePort(ctx)
	if err != nil {
		return err
	}
	listen, err := s.settings.or(envListen, "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return err
	}
	s.apiURL = reachable(listen)
	socket, err := s.shortSocket()
	if err != nil {
		return err
	}
	if s.socket, err = s.settings.or(envAdminSocket, socket); err != nil {
		return err
	}
	for name, target := range map[string]*string{
		envAppSecret: &s.secrets.AppSecret, envVerifyToken: &s.secrets.VerifyToken, envSecretKey: &s.secrets.SecretKey,
	} {
		if *target, err = s.settings.or(name, *target); err != nil {
			return err
		}
	}
	for name, choice := range map[string]string{envEnvironment: "dev", envDial: "50"} {
		if _, err := s.settings.or(name, choice); err != nil {
			return err
		}
	}
	return nil
}

// shortSocket returns a path for the admin socket that the kernel accepts.
func (s *stage) shortSocket() (string, error) {
	if path := filepath.Join(s.stack.Dir, "admin.sock"); len(path) <= longestSocket {
		return path, nil
	}
	dir, err := os.MkdirTemp("/tmp", "inboxd-")
	if err != nil {
		return "", err
	}
	s.later(func(context.Context) error { return os.RemoveAll(dir) })
	return filepath.Join(dir, "admin.sock"), nil
}
