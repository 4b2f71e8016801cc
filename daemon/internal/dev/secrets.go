package dev

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// secrets are what the daemon and the simulator share. They stay with the data
// directory: channel tokens in its database are sealed with them.
type secrets struct {
	AppSecret    string `json:"app_secret"`
	VerifyToken  string `json:"verify_token"`
	SecretKey    string `json:"secret_key"`
	ChannelToken string `json:"channel_token"` // every channel's is made from it
}

// keepSecrets reads the secrets of a data directory, or makes them.
func keepSecrets(dir string) (secrets, error) {
	path := filepath.Join(dir, "secrets.json")
	var s secrets
	raw, err := os.ReadFile(path) //nolint:gosec // In our own directory.
	if err == nil {
		if err := json.Unmarshal(raw, &s); err != nil {
			return s, fmt.Errorf("read %s: %w", path, err)
		}
		return s, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("read secrets: %w", err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	s = secrets{
		AppSecret: rand.Text(), VerifyToken: rand.Text(), ChannelToken: rand.Text(),
		SecretKey: base64.StdEncoding.EncodeToString(key),
	}
	if err := writeJSON(path, s); err != nil {
		return s, fmt.Errorf("keep secrets: %w", err)
	}
	return s, nil
}

// writeJSON writes a file that only its owner may read, whole or not at all.
func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
