package limit

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandeja/inboxd/daemon/internal/job"
)

var (
	//go:embed window.lua
	windowLua string
	//go:embed seed.lua
	seedLua string
	//go:embed carry.lua
	carryLua string
	//go:embed giveback.lua
	giveBackLua string
	//go:embed pace.lua
	paceLua string
	//go:embed born.lua
	bornLua string
)

type scripts struct{ window, seed, carry, giveBack, pace, born script }

// script keeps its text, which go-redis does not give back.
type script struct {
	*redis.Script

	text string
}

func newScripts() scripts {
	s := func(text string) script { return script{redis.NewScript(text), text} }
	return scripts{s(windowLua), s(seedLua), s(carryLua), s(giveBackLua), s(paceLua), s(bornLua)}
}

const (
	birthKey  = "inboxd:limit:birth"
	serverKey = "inboxd:limit:server"

	mostChecks = 128  // of one call of a script: Redis does nothing else meanwhile
	mostTokens = 1000 // of one window at once: Lua's stack is short
	perCheck   = 5    // numbers in an answer
)

// use is which of the two windows of an org's action is meant.
type use string

const (
	useAPI use = "api"
	useOut use = "out"
)

// window names one window. Its length and limit travel with each check.
type window struct {
	use    use
	orgID  int64
	action job.Action
}

// ledgered reports whether the ledger knows what the window gave.
func (w window) ledgered() bool { return w.use == useOut }

func (w window) keys() (ring, book string) {
	ring = "inboxd:limit:" + string(w.use) + ":" + strconv.FormatInt(w.orgID, 10) + ":" + string(w.action)
	return ring, ring + ":book"
}

// check asks one window for up to want tokens, so that at most cap are used.
type check struct {
	window

	length    time.Duration
	cap, want int

	answer answer
}

func (c *check) span() job.Span {
	return job.Span{OrgID: c.orgID, Action: c.action, Window: c.length}
}

// answer is what a window says. Times are microseconds.
type answer struct {
	granted  int // -1: seed the window first
	wait     int64
	used     int
	back     int64 // until the oldest token in use comes back
	stamp    int64 // of the tokens; negative: a local window's
	answered bool
	local    bool
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// ask puts the checks to Redis, in order. After an error some may have been
// counted and not answered.
func (l *Limiter) ask(ctx context.Context, checks []*check) error {
	for len(checks) > 0 {
		n := min(mostChecks, len(checks))
		if err := l.askSome(ctx, checks[:n]); err != nil {
			return err
		}
		checks = checks[n:]
	}
	return nil
}

func (l *Limiter) askSome(ctx context.Context, checks []*check) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.o.patience)
	defer cancel()
	keys := make([]string, 1, 1+2*len(checks))
	keys[0] = birthKey
	args := make([]any, 3, 3+4*len(checks))
	args[0], args[1], args[2] = l.testNow, settle.Microseconds(), longest.Microseconds()
	for _, c := range checks {
		ring, book := c.keys()
		keys = append(keys, ring, book)
		args = append(args, c.length.Microseconds(), c.cap, min(c.want, mostTokens), flag(c.ledgered()))
	}
	got, err := numbers(l.scripts.window.Run(ctx, l.client, keys, args...), perCheck*len(checks))
	if err != nil {
		return fmt.Errorf("ask for tokens: %w", err)
	}
	for i, c := range checks {
		g := got[perCheck*i:]
		c.answer = answer{granted: int(g[0]), wait: g[1], used: int(g[2]), back: g[3], stamp: g[4], answered: true}
	}
	return nil
}

// numbers reads the answer of a script: exactly n integers.
func numbers(cmd *redis.Cmd, n int) ([]int64, error) {
	got, err := cmd.Int64Slice()
	if err == nil && len(got) != n {
		err = errors.New("limit: an answer of another length than asked for")
	}
	return got, err
}

func flag(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// recognise looks which server a new connection has reached. See born.lua.
func (l *Limiter) recognise(ctx context.Context, conn *redis.Conn) error {
	info, err := conn.Info(ctx, "server").Result()
	if _, refused := errors.AsType[redis.Error](err); refused {
		return nil // an imitation, which keeps nothing over a restart, or not for this user to know
	}
	if err != nil {
		return fmt.Errorf("ask Redis who it is: %w", err)
	}
	_, after, ok := strings.Cut(info, "run_id:")
	if !ok {
		return nil
	}
	id, _, _ := strings.Cut(after, "\r\n")
	if err := l.scripts.born.Run(ctx, conn, []string{birthKey, serverKey}, id).Err(); err != nil {
		return fmt.Errorf("recognise Redis: %w", err)
	}
	return nil
}
