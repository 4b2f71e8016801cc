-- The clock of a conversation, readable from its messages alone: an inbound
-- message has the time it starts the clock, an outbound one the time a human
-- pressed send. Null: no part in the clock (reactions, bots, standby). With it
-- "the first unanswered message" and "the last answer" are one index probe
-- each, in any order of arrival.

-- +goose Up
ALTER TABLE messages ADD COLUMN clock_at timestamptz;
CREATE INDEX messages_clock ON messages (conversation_id, inbound, clock_at) WHERE clock_at IS NOT NULL;
CREATE INDEX episodes_conversation ON episodes (conversation_id, started_at);

-- +goose Down
DROP INDEX episodes_conversation;
DROP INDEX messages_clock;
ALTER TABLE messages DROP COLUMN clock_at;
