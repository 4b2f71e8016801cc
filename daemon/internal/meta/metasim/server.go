package metasim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// server is the life of a simulator: new, running, stopped; never back.
type server struct {
	listen string
	http   *http.Server

	mu      sync.Mutex
	addr    net.Addr
	cancel  context.CancelFunc
	stopped bool
	ended   chan struct{} // closed when Stop is through
	group   sync.WaitGroup
}

func newServer(listen string, handler http.Handler) *server {
	return &server{listen: listen, ended: make(chan struct{}), http: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}}
}

func (v *server) running() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.addr != nil && !v.stopped
}

// Start listens and begins to deliver webhooks. ctx bounds only the start; the
// simulator runs until Stop. Starting a running one does nothing, starting a
// stopped one is an error.
func (s *Sim) Start(ctx context.Context) error {
	v := s.server
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.stopped:
		return errors.New("the simulator was stopped: make a new one")
	case v.addr != nil:
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", v.listen)
	if err != nil {
		return fmt.Errorf("listen for the simulator: %w", err)
	}
	v.addr = listener.Addr()
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	v.cancel = cancel
	posts := make(chan *post)
	v.group.Go(func() { _ = v.http.Serve(listener) })
	v.group.Go(func() { s.dispatch(run, posts) })
	for range s.posters {
		v.group.Go(func() { s.deliver(run, posts) })
	}
	url, _ := s.target.get()
	s.queue.setReady(url != "")
	return nil
}

// URL returns the base URL, "http://127.0.0.1:41234", or "" before Start.
func (s *Sim) URL() string {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.server.addr == nil {
		return ""
	}
	return "http://" + s.server.addr.String()
}

// Stop ends everything: hanging requests are cut, undelivered webhooks are
// forgotten. It may be called at any time and more than once; ctx bounds the
// wait for requests being answered.
func (s *Sim) Stop(ctx context.Context) error {
	v := s.server
	v.mu.Lock()
	first, started := !v.stopped, v.addr != nil
	v.stopped = true
	v.mu.Unlock()
	if !first {
		<-v.ended
		return nil
	}
	defer close(v.ended)
	close(s.stopping)
	if !started {
		return nil
	}
	s.queue.setReady(false)
	v.cancel()
	err := v.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop the simulator: %w", err), v.http.Close())
	}
	v.group.Wait()
	s.poster.CloseIdleConnections()
	return err
}
