package devstack

import (
	"context"
	"errors"
)

// ErrNoPostgresHere is returned by the PostgreSQL methods of a stack without
// PostgreSQL.
var ErrNoPostgresHere = errors.New("this stack was started without PostgreSQL")

// ErrNoRedis is returned by the Redis methods of a stack without Redis.
var ErrNoRedis = errors.New("this stack was started without Redis")

// errStopped is returned by the methods of a stopped stack.
var errStopped = errors.New("this stack has been stopped")

// KillPostgres ends PostgreSQL at once, as a crash would, and returns when it
// is gone. Its data stays.
func (s *Stack) KillPostgres(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres == nil {
		return ErrNoPostgresHere
	}
	return s.postgres.crash(ctx)
}

// StartPostgres starts PostgreSQL again on the same port and data and returns
// when it answers. It does nothing if PostgreSQL runs.
func (s *Stack) StartPostgres(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return errStopped
	case s.postgres == nil:
		return ErrNoPostgresHere
	}
	return s.postgres.restart(ctx)
}

// KillRedis ends Redis at once with SIGKILL and returns when it is gone. What
// it held is lost unless the stack was given a directory.
func (s *Stack) KillRedis(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.redis == nil {
		return ErrNoRedis
	}
	return s.redis.crash(ctx)
}

// StartRedis starts Redis again on the same port and returns when it answers.
// It does nothing if Redis runs.
func (s *Stack) StartRedis(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return errStopped
	case s.redis == nil:
		return ErrNoRedis
	}
	return s.redis.start(ctx)
}

// RestartRedis is KillRedis and StartRedis in one.
func (s *Stack) RestartRedis(ctx context.Context) error {
	if err := s.KillRedis(ctx); err != nil {
		return err
	}
	return s.StartRedis(ctx)
}
