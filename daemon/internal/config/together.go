package config

// together checks what no setting can tell alone.
func (l *loader) together(c *Config) {
	if c.Dial > 0 && !c.Redis.Configured() && !l.bad["redis.url"] {
		l.warnings = append(l.warnings, "INBOXD_DIAL has no effect without INBOXD_REDIS_URL: all jobs travel by PostgreSQL")
		c.Dial = 0
	}
	l.addresses(*c)
}

// addresses finds two listeners on one port, and names both.
func (l *loader) addresses(c Config) {
	type listener struct{ key, address string }
	listeners := []listener{{"metrics.listen", c.MetricsListen}}
	if c.Mode.ServesAPI() {
		listeners = append([]listener{{"listen", c.Listen}, {"admin.listen", c.AdminListen}}, listeners...)
	}
	for i, a := range listeners {
		for _, b := range listeners[:i] {
			if clash(a.address, b.address) {
				f := Fault{Setting: l.setting(b.key).Env + " and " + l.setting(a.key).Env, Got: quote(b.address) + " and " + quote(a.address)}
				f.Want = "two different ports"
				l.faults = append(l.faults, f)
			}
		}
	}
}

func (l *loader) setting(key string) Setting {
	for _, s := range l.table {
		if s.Key == key {
			return s
		}
	}
	return Setting{}
}
