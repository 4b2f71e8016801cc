package limit_test

import (
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bandeja/inboxd/daemon/internal/devstack/stacktest"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/limit"
)

// TestMain looks past one goroutine: go-redis looks once a second whether a
// server that refused it is back, and ends within that second after Close.
func TestMain(m *testing.M) {
	stacktest.Main(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

const patience = 30 * time.Second

func address(tb testing.TB, raw string) limit.Address {
	tb.Helper()
	u, err := url.Parse(raw)
	require.NoError(tb, err)
	db, err := strconv.Atoi(strings.Trim(u.Path, "/"))
	require.NoError(tb, err)
	return limit.Address{Addrs: []string{u.Host}, DB: db}
}

func start(tb testing.TB, o limit.Options) *limit.Limiter {
	tb.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	l, err := limit.New(o)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, l.Close()) })
	return l
}

// server is one of the two the scripts must behave alike on.
type server struct {
	address func(testing.TB) limit.Address
	steps   int // random ones; the imitation reads a script anew each time
}

func servers() map[string]server {
	return map[string]server{"Redis": {realRedis, 100_000}, "Imitation": {imitation, 10_000}}
}

func realRedis(tb testing.TB) limit.Address {
	tb.Helper()
	return address(tb, stacktest.Redis(tb))
}

func imitation(tb testing.TB) limit.Address {
	tb.Helper()
	return limit.Address{Addrs: []string{miniredis.RunT(tb).Addr()}}
}

func perMinute(n int) job.Rate { return job.Rate{N: n, Window: time.Minute} }
