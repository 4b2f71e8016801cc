-- SLA figures of past days are counted once.

-- +goose Up
-- Settled clocks of whole days (UTC, by when the customer asked). Rows of one key
-- are added up: there is one from when the day was rolled, and one for each clock
-- that was settled since. times: (bucket int2, n int4), any number of them, the
-- buckets are those of the daemon's package sla. user_id as in figures: -1 is the
-- phone app.
CREATE TABLE sla_days (
  day         date NOT NULL,
  org_id      bigint NOT NULL,
  user_id     bigint NOT NULL,
  channel_id  bigint,
  met         bigint NOT NULL,
  missed      bigint NOT NULL,
  worst_ms    bigint NOT NULL,
  times       bytea NOT NULL
);
CREATE INDEX sla_days_org ON sla_days (org_id, day);
CREATE INDEX sla_days_day ON sla_days (day);

-- Days whose changes are noted; those that are ready are in sla_days.
CREATE TABLE sla_rolled (
  day    date PRIMARY KEY,
  ready  boolean NOT NULL DEFAULT false
);

-- Days of which a settled clock has changed since: they are counted again, and
-- until then read clock by clock.
CREATE TABLE sla_stale (day date NOT NULL);
CREATE INDEX sla_stale_day ON sla_stale (day);

-- +goose StatementBegin
CREATE FUNCTION sla_record(ms bigint, n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN int2send(floor(ln(greatest(ms, 1)::double precision) * 25)::smallint) || int4send(n::integer);
-- +goose StatementEnd

-- The lock is shared among those who change clocks: whoever begins to roll a day
-- takes it alone for a moment, so that nobody is under way who has not seen that
-- the day's changes are noted.
-- +goose StatementBegin
CREATE FUNCTION sla_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('inboxd.sla.days', 0));
  IF OLD.judged_at IS NOT NULL AND OLD.answered_at IS NOT NULL AND NOT OLD.excluded THEN
    INSERT INTO sla_stale SELECT r.day FROM sla_rolled r WHERE r.day = (OLD.started_at AT TIME ZONE 'UTC')::date;
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.judged_at IS NOT NULL AND NEW.answered_at IS NOT NULL AND NOT NEW.excluded THEN
    INSERT INTO sla_days
    SELECT r.day, NEW.org_id, coalesce(NEW.charged_id, -1), NEW.channel_id, (NEW.outcome = 1)::int, (NEW.outcome = 2)::int,
           NEW.response_ms, sla_record(NEW.response_ms, 1)
    FROM sla_rolled r WHERE r.day = (NEW.started_at AT TIME ZONE 'UTC')::date;
  END IF;
  RETURN NULL;
END $$;
-- +goose StatementEnd
-- Asked when a clock is judged, and when one is changed that was: not by a message.
CREATE TRIGGER episodes_changed AFTER UPDATE ON episodes FOR EACH ROW
WHEN ((OLD.judged_at IS NOT NULL AND OLD.answered_at IS NOT NULL OR NEW.judged_at IS NOT NULL AND NEW.answered_at IS NOT NULL)
      AND (OLD.judged_at IS NULL, OLD.answered_at IS NULL, OLD.started_at, OLD.excluded, OLD.outcome, OLD.charged_id, OLD.channel_id, OLD.response_ms)
          IS DISTINCT FROM
          (NEW.judged_at IS NULL, NEW.answered_at IS NULL, NEW.started_at, NEW.excluded, NEW.outcome, NEW.charged_id, NEW.channel_id, NEW.response_ms))
EXECUTE FUNCTION sla_note_change();
CREATE TRIGGER episodes_gone AFTER DELETE ON episodes FOR EACH ROW
WHEN (OLD.judged_at IS NOT NULL AND OLD.answered_at IS NOT NULL)
EXECUTE FUNCTION sla_note_change();

-- +goose Down
DROP TRIGGER episodes_gone ON episodes;
DROP TRIGGER episodes_changed ON episodes;
DROP FUNCTION sla_note_change, sla_record;
DROP TABLE sla_stale, sla_rolled, sla_days;
