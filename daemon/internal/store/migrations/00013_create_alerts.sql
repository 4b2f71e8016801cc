-- Alerts as all processes know them: since when, who is at it, who was told.

-- +goose Up
-- One row per alert that is open, or was until lately. Every api process says
-- what it sees; what nobody sees any more is resolved.
CREATE TABLE alerts (
  id            text PRIMARY KEY,                  -- rule/scope
  org_id        bigint REFERENCES orgs,            -- null: of the whole installation
  severity      text NOT NULL,
  rule          text NOT NULL,
  scope         text NOT NULL,
  summary       text NOT NULL,
  cause         text NOT NULL DEFAULT '',
  command       text NOT NULL DEFAULT '',
  runbook       text NOT NULL DEFAULT '',
  value         double precision,
  threshold     double precision,
  unit          text NOT NULL DEFAULT '',
  since         timestamptz NOT NULL,
  opened_at     timestamptz NOT NULL DEFAULT clock_timestamp(), -- from when it is known here
  seen_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
  resolved_at   timestamptz,
  acked_by      text NOT NULL DEFAULT '',
  ack_reason    text NOT NULL DEFAULT '',
  acked_at      timestamptz,
  muted_by      text NOT NULL DEFAULT '',
  mute_reason   text NOT NULL DEFAULT '',
  muted_until   timestamptz,
  told_at       timestamptz,                       -- when it was last told that it fires
  over_told_at  timestamptz,                       -- when it was told that it is over
  CONSTRAINT alerts_ack CHECK ((acked_at IS NULL) = (acked_by = '')),
  CONSTRAINT alerts_mute CHECK ((muted_until IS NULL) = (muted_by = ''))
);

-- Who may post next, and when: whoever raises claim posts, the others wait. The
-- failures in a row make the next try later.
CREATE TABLE alert_post (
  one         boolean PRIMARY KEY DEFAULT true CONSTRAINT alert_post_one CHECK (one),
  claim       bigint NOT NULL DEFAULT 0,
  held_until  timestamptz NOT NULL DEFAULT '-infinity',
  next_at     timestamptz NOT NULL DEFAULT '-infinity',
  failures    integer NOT NULL DEFAULT 0
);
INSERT INTO alert_post DEFAULT VALUES;

-- +goose Down
DROP TABLE alert_post, alerts;
