-- Where the reply to a message, and what the provider says about a reply, go on
-- with its trace. Null unless the message is traced: then it costs no room.

-- +goose Up
ALTER TABLE messages ADD COLUMN trace text;        -- W3C traceparent

-- +goose Down
ALTER TABLE messages DROP COLUMN trace;
