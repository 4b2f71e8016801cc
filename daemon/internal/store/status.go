package store

// The rules of message statuses as SQL. They are written once, here, and a test
// runs every pair of statuses through every statement that moves one and
// compares with inbox.MessageStatus.Advances; what differs is listed there.
const (
	// wentOut follows the name of a message: accepted, sent, delivered, read.
	wentOut = `status BETWEEN 1 AND 4`

	// succeeded follows the name of an effect: the outcomes of a send that
	// worked, of WhatsApp and of Instagram.
	succeeded = `status IN (1, 2)`

	// advances is inbox.MessageStatus.Advances for message m and the new status
	// of n.
	advances = `
CASE WHEN m.status IN (5, 7) THEN false
     WHEN m.status = 6 THEN n.status BETWEEN 1 AND 5
     WHEN n.status = 6 THEN m.status = 0
     WHEN n.status = 5 THEN m.status < 3
     ELSE n.status BETWEEN m.status + 1 AND 4 END`

	// Where job j is. (state+0) keeps partial indexes out of the plan: the rows
	// are looked up by id.
	jobWaits     = `(j.state+0) IN (0, 1)`
	jobUncertain = `(j.state+0) = 4`
	jobDead      = `(j.state+0) = 6`
)

// requeueSet makes message m wait to be sent again. What the provider says about
// the earlier send no longer concerns it, so its id, its times and its error go.
// attempts is how many it has used; clockAt when its human pressed send.
func requeueSet(attempts, clockAt string) string {
	return `
       status = 0, attempts = ` + attempts + `, clock_at = ` + clockAt + `, provider_id = NULL, sent_at = NULL, failed_at = NULL,
       error_class = NULL, error_code = NULL, error_text = NULL`
}
