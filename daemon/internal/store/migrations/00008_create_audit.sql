-- What operators have changed, for ever: rows are only added, by the transaction
-- that makes the change, and each holds the hash of the one before. Tokens learn
-- who made them and when they were used.

-- +goose Up
ALTER TABLE tokens
  ADD COLUMN created_by text NOT NULL DEFAULT '',
  ADD COLUMN last_used_at timestamptz;             -- written once a minute at most

-- One row: the end of the chain. Whoever adds an entry locks it until the commit,
-- so that entries commit in the order of their numbers, without gaps.
CREATE TABLE audit_head (
  one   boolean PRIMARY KEY DEFAULT true CONSTRAINT audit_head_one CHECK (one),
  id    bigint NOT NULL DEFAULT 0,
  hash  bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
);
INSERT INTO audit_head DEFAULT VALUES;

-- No foreign keys: a record outlives what it is about.
CREATE TABLE audit (
  id          bigint PRIMARY KEY,                  -- 1, 2, 3 ...: a gap is a row that somebody has removed
  at          timestamptz NOT NULL,
  actor       text NOT NULL,
  token_id    bigint,
  action      text NOT NULL,
  org_id      bigint,
  target      text NOT NULL,
  reason      text NOT NULL DEFAULT '',
  detail      jsonb NOT NULL DEFAULT '{}',
  outcome     text NOT NULL CONSTRAINT audit_outcome CHECK (outcome IN ('done', 'begun')),
  request_id  text NOT NULL,
  source      text NOT NULL,
  prev_hash   bytea NOT NULL CONSTRAINT audit_prev_key UNIQUE, -- a chain does not fork
  hash        bytea NOT NULL
);
CREATE INDEX audit_org ON audit (org_id, id);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_at ON audit (at);

-- The hash is over the hash before and over each field with its length, so that
-- no two entries have the same text. It waits for other changes as long as
-- operators do, whatever the patience of the connection.
-- +goose StatementBegin
CREATE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
  body text;
BEGIN
  UPDATE audit_head SET id = audit_head.id + 1 RETURNING audit_head.id, audit_head.hash INTO NEW.id, NEW.prev_hash;
  NEW.at := clock_timestamp();
  SELECT string_agg(coalesce(octet_length(f) || ':' || f, '-') || ',', '' ORDER BY n) INTO body
  FROM unnest(ARRAY[
    NEW.id::text, ((extract(epoch FROM NEW.at) * 1000000)::bigint)::text, NEW.actor, NEW.token_id::text, NEW.action,
    NEW.org_id::text, NEW.target, NEW.reason, NEW.detail::text, NEW.outcome, NEW.request_id, NEW.source]) WITH ORDINALITY x(f, n);
  NEW.hash := sha256(NEW.prev_hash || convert_to(body, 'UTF8'));
  UPDATE audit_head SET hash = NEW.hash;
  RETURN NEW;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_link BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_link();
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- +goose Down
DROP TABLE audit, audit_head;
DROP FUNCTION audit_link, audit_refuse;
ALTER TABLE tokens DROP COLUMN created_by, DROP COLUMN last_used_at;
