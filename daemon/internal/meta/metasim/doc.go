// Package metasim simulates Meta for development and tests: it answers the
// Graph API's send calls for WhatsApp and Instagram, keeps its own ledger of
// what it accepted, and delivers signed webhooks (statuses, echoes, reads and
// inbound messages) late, twice, out of order and in batches, as Meta does. It
// owns the other side of the wire; it refuses to know inboxd: of ours it
// imports the recorded payloads alone, so a misreading of the protocol cannot
// agree with itself.
//
// Use:
//
//	sim, err := metasim.New(metasim.Options{WebhookURL: url, AppSecret: secret, Settings: metasim.Usual()})
//	err = sim.AddAccount(metasim.Account{Kind: metasim.WhatsApp, ID: "120000000000201", BusinessID: "110000000000101", Token: token})
//	err = sim.Start(ctx)             // listens on 127.0.0.1, port in sim.URL()
//	rec, err := sim.Inbound("120000000000201", metasim.Contact{WaID: "12025550101", Name: "Mira"}, "Hi")
//	err = sim.Drain(ctx)             // every webhook answered with 200
//	sends := sim.Sends(0)            // what arrived, in order of arrival
//	err = sim.Stop(ctx)
//
// The same is served as JSON under /sim/ for other processes. All randomness
// comes from one seed (Sim.Seed). Options.Now stamps records, webhooks and
// limits; delays run in real time.
package metasim
