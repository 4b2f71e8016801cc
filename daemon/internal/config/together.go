package config

// together checks what no setting can tell alone.
func (l *loader) together(c *Config) {
	if c.Dial > 0 && !c.Redis.Configured() && !l.bad["redis.url"] {
		l.warnings = append(l.warnings, "INBOXD_DIAL has no effect without INBOXD_REDIS_URL: all jobs travel by PostgreSQL")
		c.Dial = 0
	}
	l.adminTLS(*c)
	l.addresses(*c)
	l.collectorHeader(c)
}

// adminTLS keeps operators' tokens off the wire: in clear they may travel on this
// machine only.
func (l *loader) adminTLS(c Config) {
	if l.bad["admin.listen"] || l.bad["admin.tls_cert"] || l.bad["admin.tls_key"] {
		return
	}
	cert, key := l.setting("admin.tls_cert").Env, l.setting("admin.tls_key").Env
	host, _, _ := splitAddress(c.AdminListen)
	switch {
	case c.AdminTLSCert != "" && c.AdminTLSKey == "":
		l.faults = append(l.faults, Fault{Setting: key, Got: "nothing", Want: "the file of the private key, because " + cert + " is set"})
	case c.AdminTLSKey != "" && c.AdminTLSCert == "":
		l.faults = append(l.faults, Fault{Setting: cert, Got: "nothing", Want: "the file of the certificate, because " + key + " is set"})
	case c.AdminListen != "" && c.AdminTLSCert == "" && !isLoopback(host):
		l.faults = append(l.faults, Fault{
			Setting: l.setting("admin.listen").Env, Got: quote(c.AdminListen),
			Want: "an address on this machine only, such as 127.0.0.1:9090, or TLS (" + cert + " and " + key + ")",
		})
	}
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
