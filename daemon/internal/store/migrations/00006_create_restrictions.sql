-- What the provider itself does not let out: a template, all templates of a
-- number, or everything. Operators' pauses are holds and channels.state; the
-- two never write each other's rows.

-- +goose Up
CREATE TABLE restrictions (
  channel_id  bigint NOT NULL REFERENCES channels ON DELETE CASCADE,
  covers      text NOT NULL CONSTRAINT restrictions_covers CHECK (covers IN ('template', 'templates', 'sends')),
  name        text NOT NULL DEFAULT '',            -- of a template
  language    text NOT NULL DEFAULT '',            -- en_us: lower case, underscore
  state       text NOT NULL CONSTRAINT restrictions_state CHECK (state IN ('paused', 'disabled', 'lifted')),
  reason      text NOT NULL DEFAULT '',
  said_at     timestamptz NOT NULL,                -- the provider's time of its last word; -infinity: only answers to sends
  until       timestamptz,                         -- nobody sweeps: it stops to count by the clock; null: until lifted
  PRIMARY KEY (channel_id, covers, name, language),
  CONSTRAINT restrictions_template CHECK ((covers = 'template') = (name <> ''))
);
-- Every approval leaves a lifted row; sends and dispatch look for the others.
CREATE INDEX restrictions_active ON restrictions (channel_id) WHERE state <> 'lifted';

-- What backs off is found by its channel when a restriction ends.
CREATE INDEX jobs_backing_off ON jobs (channel_id) WHERE state = 0 AND error_class IS NOT NULL;

-- +goose Down
DROP INDEX jobs_backing_off;
DROP TABLE restrictions;
