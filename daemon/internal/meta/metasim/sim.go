package metasim

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Options configure a simulator. All members are optional.
type Options struct {
	WebhookURL string           // where webhooks go; SetWebhook can name it later
	AppSecret  string           // signs them
	Settings   Settings         // the zero value is calm and instant; see Usual
	Seed       uint64           // of all randomness; 0: taken from the clock
	Now        func() time.Time // stamps records, webhooks and limits; default time.Now
	Listen     string           // default 127.0.0.1:0
	Posters    int              // concurrent webhook POSTs, default 8
	Keep       int              // sends and inbound messages remembered, default 200,000 each
}

// Sim is a simulated Meta. All methods are safe for concurrent use.
type Sim struct {
	now      func() time.Time
	seed     uint64
	dice     *dice // behaviour
	ids      *dice // provider ids: never the same in two runs on one database
	fixtures fixtureSet
	accounts *registry
	ledger   *ledger
	inbox    *inbox
	rules    *rules
	queue    *queue
	target   *target
	tally    *tally
	books    *books
	tokens   *mint
	poster   *http.Client
	server   *server
	stopping chan struct{} // closed by Stop
	posters  int

	mu       sync.RWMutex
	settings Settings
}

// New prepares a simulator; Start makes it listen and deliver webhooks. It
// fails on settings out of range.
func New(o Options) (*Sim, error) {
	fixtures, err := loadFixtures()
	if err != nil {
		return nil, err
	}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	clock := uint64(now().UnixNano())
	seed := cmp.Or(o.Seed, clock)
	keep := cmp.Or(o.Keep, 200_000)
	s := &Sim{
		now: now, seed: seed, dice: newDice(seed, 1), ids: newDice(seed, clock),
		fixtures: fixtures, accounts: newRegistry(), ledger: newLedger(keep), inbox: &inbox{keep: keep},
		queue: newQueue(), target: &target{}, tally: &tally{}, books: newBooks(), tokens: newMint(),
		stopping: make(chan struct{}), posters: cmp.Or(o.Posters, 8),
	}
	s.rules = &rules{dice: s.dice, known: fixtures}
	s.poster = newPoster(s.posters)
	if err := s.SetSettings(o.Settings); err != nil {
		return nil, err
	}
	s.target.set(o.WebhookURL, o.AppSecret)
	s.server = newServer(cmp.Or(o.Listen, "127.0.0.1:0"), s.Handler())
	return s, nil
}

// Seed returns the seed of all randomness, to be printed so that a run can be
// repeated.
func (s *Sim) Seed() uint64 { return s.seed }

// AddAccount adds an account or renews its token.
func (s *Sim) AddAccount(a Account) error { return s.accounts.put(a) }

// ExpireToken makes Meta refuse the account's token (190/463) until AddAccount
// renews it.
func (s *Sim) ExpireToken(account string) error { return s.accounts.expire(account) }

// SetWebhook names the callback URL and the app secret. Until there is a URL
// webhooks wait.
func (s *Sim) SetWebhook(url, appSecret string) {
	s.target.set(url, appSecret)
	s.queue.setReady(url != "" && s.server.running())
}

// Settings returns the settings in force.
func (s *Sim) Settings() Settings {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.settings
}

// SetSettings changes the behaviour from now on; what is queued keeps its
// times. The error names every value out of range, and then nothing changes.
func (s *Sim) SetSettings(set Settings) error {
	set, err := set.normal()
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	s.mu.Lock()
	s.settings = set
	s.mu.Unlock()
	s.queue.configure(set)
	return nil
}

// AddRule appends a rule and returns it with its id.
func (s *Sim) AddRule(r Rule) (Rule, error) { return s.rules.add(r) }

// Rules returns the rules in order, with how often each decided.
func (s *Sim) Rules() []Rule { return s.rules.all() }

// RemoveRule deletes a rule, all of them with id 0, and reports whether there
// was one.
func (s *Sim) RemoveRule(id int64) bool { return s.rules.remove(id) }

// Fixtures returns the names a Rule may use, sorted.
func (s *Sim) Fixtures() []string { return s.fixtures.names() }

// Inbound lets a customer write a text to an account: a webhook follows. The
// record tells the message's provider id; its delivery state is in Inbounds.
func (s *Sim) Inbound(account string, from Contact, text string) (Inbound, error) {
	l, ok := s.accounts.get(account)
	if !ok {
		return Inbound{}, fmt.Errorf("account %q is not known", account)
	}
	u, err := l.message(from, s.ids, s.now())
	if err != nil {
		return Inbound{}, err
	}
	rec := &Inbound{ProviderID: u.id, Account: l.ID, Kind: l.Kind, Contact: from, At: u.at}
	s.inbox.add(rec)
	written := s.inbox.copyOf(rec)
	u.text, u.inbound = text, rec
	s.enqueue(u, 0, s.Settings())
	return written, nil
}

// Inbounds returns the inbound messages with a Seq above since, oldest first.
func (s *Sim) Inbounds(since int64) []Inbound { return s.inbox.since(since) }

// Sends returns the sends with a Seq above since, in order of arrival.
func (s *Sim) Sends(since int64) []Send { return s.ledger.since(since) }

// Accepted returns how many sends of a job (the part of X-Request-Id before the
// dot) reached the customer, answered or not.
func (s *Sim) Accepted(job string) int { return s.ledger.acceptedOf(job) }

// Duplicates returns the jobs of which more than one send reached the customer.
func (s *Sim) Duplicates() []Duplicate { return s.ledger.duplicates() }

// Drain makes all queued webhooks due at once and waits until every one has
// got 200. New ones that come meanwhile are waited for too.
func (s *Sim) Drain(ctx context.Context) error {
	if err := s.queue.drain(ctx, s.stopping); err != nil {
		pending, _ := s.queue.stats()
		return fmt.Errorf("drain webhooks, %d updates left: %w", pending, err)
	}
	return nil
}
