package limit

import (
	"crypto/tls"
	"time"

	"github.com/redis/go-redis/v9"
)

// Address says where Redis is: one server, or the sentinels of Master.
type Address struct {
	Addrs              []string // host:port; none: no Redis
	Master             string   // empty: no sentinel
	Username, Password string
	DB                 int
	TLS                bool
}

// options: deadlines are short and honoured (ContextTimeoutEnabled), nothing is
// retried: a failure means the local window, at once. Checks travel together,
// so that few connections serve many.
func (a Address) options(patience time.Duration) *redis.UniversalOptions {
	o := &redis.UniversalOptions{
		Addrs: a.Addrs, MasterName: a.Master, Username: a.Username, Password: a.Password, DB: a.DB,
		ContextTimeoutEnabled: true, DialTimeout: 300 * time.Millisecond, ReadTimeout: patience,
		WriteTimeout: patience, MaxRetries: -1, DialerRetries: 1, PoolSize: 8,
	}
	if a.TLS {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return o
}
