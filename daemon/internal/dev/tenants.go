package dev

import (
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/bandeja/inboxd/daemon/internal/meta/metasim"
)

const customersPerChannel = 150

// keepsDefaults is the small org whose limits nobody has raised.
const keepsDefaults = "umbrella"

// org is a demo tenant with its agents, channels and customers.
type org struct {
	name      string
	weight    int    // share of the traffic
	token     string // of the API, for the org
	users     []*agent
	channels  []*channel
	customers []*customer

	mu            sync.Mutex
	conversations map[string]string // customer's address -> conversation id
}

// agent is a user of the inbox. Some have a token of their own, the others act
// by name under the org's.
type agent struct {
	name  string
	token string
}

// channel is a number or account, the same for the simulator and for us.
type channel struct {
	account metasim.Account
	org     *org
}

// customer is a simulated person who writes to one channel.
type customer struct {
	channel *channel
	contact metasim.Contact
}

// address is how the public API shows the customer.
func (c *customer) address() string { return address(c.channel.account.Kind, c.contact) }

func address(kind metasim.Kind, c metasim.Contact) string {
	if c.UserID != "" {
		return string(kind) + ":" + c.UserID
	}
	return string(kind) + ":" + c.WaID
}

// newOrgs returns the demo orgs. Names, numbers and accounts are the same in
// every run, so that a kept data directory goes on; secret makes the channel
// tokens.
func newOrgs(secret string) []*org {
	agents := []string{"dana", "kofi", "lena", "marco", "nadia", "omar"}
	var orgs []*org
	for i, plan := range []struct {
		name   string
		weight int
		agents int
	}{{"acme", 30, 6}, {"globex", 20, 5}, {"initech", 10, 4}, {keepsDefaults, 1, 3}} {
		o := &org{name: plan.name, weight: plan.weight, conversations: map[string]string{}}
		for _, name := range agents[:plan.agents] {
			o.users = append(o.users, &agent{name: name})
		}
		o.channels = []*channel{
			{org: o, account: metasim.Account{
				Kind: metasim.WhatsApp, ID: fmt.Sprintf("12000000000020%d", i), BusinessID: fmt.Sprintf("11000000000010%d", i),
				Token: channelToken(secret, "whatsapp", plan.name),
			}},
			{org: o, account: metasim.Account{
				Kind: metasim.Instagram, ID: fmt.Sprintf("1784140000000030%d", i), Token: channelToken(secret, "instagram", plan.name),
			}},
		}
		for j, ch := range o.channels {
			for k := range customersPerChannel {
				o.customers = append(o.customers, newCustomer(ch, i*len(o.channels)+j, k))
			}
		}
		orgs = append(orgs, o)
	}
	return orgs
}

// newCustomer makes the k-th customer of the n-th channel. A few WhatsApp users
// hide their number, as Meta lets them.
func newCustomer(ch *channel, n, k int) *customer {
	first := []string{"Aino", "Bela", "Chidi", "Dilara", "Emeka", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kaya", "Luca", "Mira"}
	name := first[(n*7+k)%len(first)]
	if ch.account.Kind == metasim.Instagram {
		return &customer{channel: ch, contact: metasim.Contact{
			UserID: fmt.Sprintf("90000000%04d%04d", n, k), Name: name, Username: fmt.Sprintf("%s.%d%03d", name, n, k),
		}}
	}
	c := metasim.Contact{UserID: fmt.Sprintf("US.3100000000%05d%05d", n, k), Name: name}
	if k%20 != 19 {
		c.WaID = fmt.Sprintf("1202555%d%03d", n, k)
	}
	return &customer{channel: ch, contact: c}
}

func channelToken(secret, kind, org string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(secret + kind + org)) // a hash never fails
	return fmt.Sprintf("EAAdemo%s%016x", kind, h.Sum64())
}
