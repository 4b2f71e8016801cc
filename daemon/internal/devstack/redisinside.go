package devstack

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/alicebob/miniredis/v2"
)

// redisInside is an imitation of Redis inside this process, for machines
// without Redis. Its keys expire by the wall clock; a crash loses all of them.
type redisInside struct {
	server *miniredis.Miniredis
	port   int
}

func (r *redisInside) start(context.Context) error {
	if r.server != nil {
		return nil
	}
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true)
	if err := server.StartAddr(net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port))); err != nil {
		return fmt.Errorf("start redis imitation: %w", err)
	}
	port, err := strconv.Atoi(server.Port())
	if err != nil {
		return fmt.Errorf("port of redis imitation: %w", err)
	}
	r.server, r.port = server, port
	return nil
}

func (r *redisInside) crash(context.Context) error {
	if r.server != nil {
		r.server.Close()
		r.server = nil
	}
	return nil
}

func (r *redisInside) stop(ctx context.Context) error { return r.crash(ctx) }
func (r *redisInside) where() int                     { return r.port }
func (r *redisInside) pid() int                       { return 0 }
func (r *redisInside) kind() string                   { return "imitation inside this process" }
