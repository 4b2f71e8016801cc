package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/bandeja/inboxd/daemon/internal/automation"
	"github.com/bandeja/inboxd/daemon/internal/inbox"
	"github.com/bandeja/inboxd/daemon/internal/job"
	"github.com/bandeja/inboxd/daemon/internal/trace"
)

// turnSQL takes a turn of rule $1 and returns whose it is: of the users named,
// in that order, or of all users of the org. The rule's row is locked until
// commit, so that nobody is passed over or served twice.
const turnSQL = `
WITH t AS (UPDATE automations SET turns = turns + 1 WHERE id = $1 AND org_id = $2 RETURNING turns - 1 AS turn),
c AS (
  SELECT u.id, u.name, row_number() OVER (ORDER BY array_position($3::text[], u.name), u.id) - 1 AS place, count(*) OVER () AS n
  FROM users u WHERE u.org_id = $2 AND (cardinality($3::text[]) = 0 OR u.name = ANY($3::text[])))
SELECT c.id, c.name FROM t JOIN c ON c.place = t.turn % c.n`

// user is a user by id and name.
type user struct {
	id   int64
	name string
}

// assignees are the users the rules assign to.
type assignees struct {
	turns map[int64]user   // of round robins, by rule
	named map[string]int64 // ids of users by name
}

// queuePeople looks up the users the rules give the conversation to.
func (sc *scene) queuePeople(b *pgx.Batch, ran []*ruleRun) *assignees {
	found := &assignees{turns: map[int64]user{}, named: map[string]int64{}}
	var names []string
	for _, r := range ran {
		for _, a := range r.rule.Actions {
			switch a.Type {
			case automation.AssignUser:
				names = append(names, a.User)
			case automation.AssignRoundRobin:
				id := r.rule.ID
				b.Queue(turnSQL, id, sc.orgID, append([]string{}, a.Users...)).Query(func(rows pgx.Rows) error {
					return eachUser(rows, func(u user) { found.turns[id] = u })
				})
			case automation.SendText, automation.SendTemplate, automation.Tag:
			}
		}
	}
	if len(names) > 0 {
		b.Queue(`SELECT id, name FROM users WHERE org_id = $1 AND name = ANY($2::text[])`, sc.orgID, names).Query(func(rows pgx.Rows) error {
			return eachUser(rows, func(u user) { found.named[u.name] = u.id })
		})
	}
	return found
}

func eachUser(rows pgx.Rows, visit func(user)) error {
	var u user
	_, err := pgx.ForEachRow(rows, []any{&u.id, &u.name}, func() error {
		visit(u)
		return nil
	})
	return err
}

// queueMessageIDs takes the ids of the messages to send, under the lock of their
// conversation, so that they commit in order.
func (sc *scene) queueMessageIDs(b *pgx.Batch) {
	if len(sc.sends) == 0 {
		return
	}
	b.Queue(`SELECT nextval(pg_get_serial_sequence('messages', 'id')) FROM generate_series(1, $1::int)`, len(sc.sends)).Query(func(rows pgx.Rows) error {
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		for i, id := range ids {
			sc.sends[i].id = id
		}
		return err
	})
}

func (sc *scene) insertJobs(ctx context.Context, jobs Jobs, tx pgx.Tx) error {
	if len(sc.sends) == 0 {
		return nil
	}
	all := make([]job.New, len(sc.sends))
	for i, o := range sc.sends {
		all[i] = o.job(sc.thread, o.id)
		all[i].Trace = trace.Parent(ctx)
	}
	ids, err := jobs.Insert(ctx, tx, all...)
	if err != nil {
		return err
	}
	for i, o := range sc.sends {
		o.jobID = ids[i]
		o.result.MessageID, o.result.JobID = o.id, o.jobID
	}
	return nil
}

// settle does the actions that change the conversation, rule by rule, and notes
// what they came to.
func (sc *scene) settle(ran []*ruleRun, found *assignees) {
	for _, r := range ran {
		for i, a := range r.rule.Actions {
			result := &r.results[i]
			switch a.Type {
			case automation.AssignUser:
				sc.assign(result, user{found.named[a.User], a.User})
			case automation.AssignRoundRobin:
				sc.assign(result, found.turns[r.rule.ID])
			case automation.Tag:
				sc.tag(result, a.Tag)
			case automation.SendText, automation.SendTemplate: // planned before
			}
		}
	}
}

func (sc *scene) assign(result *automation.Result, to user) {
	if to.id == 0 {
		result.Skip(inbox.Faultf(inbox.Unprocessable, "unknown_user", "the org has no such user"))
		return
	}
	sc.assigneeID = to.id
	result.Result, result.User = automation.ResultAssigned, to.name
}

func (sc *scene) tag(result *automation.Result, tag string) {
	known := slices.Contains(sc.tags, tag)
	if !known && len(sc.tags) >= automation.MostTags {
		result.Skip(inbox.Faultf(inbox.Conflict, "too_many_tags", "the conversation has %d tags, and more are not possible", len(sc.tags)))
		return
	}
	if !known {
		sc.tags = append(sc.tags, tag)
	}
	result.Result, result.Tag = automation.ResultTagged, tag
}

// queueConversation writes what the rules changed of the conversation. It is
// locked: what was read still holds.
func (sc *scene) queueConversation(b *pgx.Batch) {
	queueAssignment(b, sc.orgID, sc.thread.id, sc.assigneeID, sc.now)
	b.Queue(`UPDATE conversations SET assignee_id = nullif($3::bigint, 0), tags = $4 WHERE id = $1 AND org_id = $2
		AND (assignee_id IS DISTINCT FROM nullif($3::bigint, 0) OR tags <> $4)`, sc.thread.id, sc.orgID, sc.assigneeID, sc.tags)
	b.Queue(excludeSQL, sc.thread.id)
}

// queueRuns puts on record what the rules did. A rule on record for this message
// already is a breach of the key: the transaction is tried again, and finds it.
func (sc *scene) queueRuns(b *pgx.Batch, ran []*ruleRun) error {
	for _, r := range ran {
		results, err := json.Marshal(r.results)
		if err != nil {
			return fmt.Errorf("encode results: %w", err)
		}
		b.Queue(`
INSERT INTO automation_runs (message_id, rule_id, org_id, conversation_id, rule_name, outcome, sent, actions, ran_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9)`,
			sc.messageID, r.rule.ID, sc.orgID, sc.thread.id, r.rule.Name, string(automation.OutcomeOf(r.results)), r.sent, string(results), sc.now)
	}
	return nil
}
