-- What operators count over all orgs, from indexes that are small because equal
-- keys share an entry (B-tree deduplication: no INCLUDE, nothing unique in the
-- key). A ready or running job is in none of them: the happy path does not pay.
-- A job that dies, waits for another attempt or becomes uncertain is entered in
-- three more.

-- +goose Up
-- 600,000 standing jobs are 4 MB here, and 59 MB in jobs_counted. (state-0) shows
-- them to nobody who does not write it too, (state+0) of the guards included: so small, they would look cheap where a
-- page must come in the order of ids.
CREATE INDEX jobs_tally ON jobs (state, queue, job_type, error_class, error_sig, attempt) WHERE (state-0) IN (0, 4, 5, 6);
CREATE INDEX jobs_tally_org ON jobs (state, org_id) WHERE (state-0) IN (0, 4, 5, 6);
-- The first and the last failure of a kind, and whom the last ones hit.
CREATE INDEX jobs_signature_at ON jobs (error_sig, queue, job_type, state, started_at NULLS FIRST) INCLUDE (org_id, id)
  WHERE (state-0) IN (0, 4, 6) AND error_sig IS NOT NULL;

-- A table that has just been filled has no statistics and no visible pages: an
-- index alone answers nothing, and plans are guesses. So look after 2 % of new
-- rows, not after 20 %. (What is deleted and updated has its own setting.)
ALTER TABLE jobs SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_insert_threshold = 1000,
                      autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);
ALTER TABLE episodes SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
                          autovacuum_analyze_scale_factor = 0.02);

-- Settled clocks, with all that figures count, of one org and of all. They come in
-- when they are judged, not with each of the versions before, and are read without
-- the rows.
CREATE INDEX episodes_settled ON episodes (org_id, started_at) INCLUDE (charged_id, channel_id, outcome, response_ms)
  WHERE judged_at IS NOT NULL AND answered_at IS NOT NULL AND NOT excluded;
CREATE INDEX episodes_settled_at ON episodes (started_at) INCLUDE (org_id, charged_id, channel_id, outcome, response_ms)
  WHERE judged_at IS NOT NULL AND answered_at IS NOT NULL AND NOT excluded;
DROP INDEX episodes_org, episodes_started;

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
CREATE INDEX episodes_started ON episodes (started_at);
CREATE INDEX episodes_org ON episodes (org_id, started_at);
DROP INDEX episodes_settled_at, episodes_settled;
ALTER TABLE episodes RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor, autovacuum_analyze_scale_factor);
ALTER TABLE jobs RESET (autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_insert_threshold, autovacuum_analyze_scale_factor, autovacuum_analyze_threshold);
DROP INDEX jobs_signature_at, jobs_tally_org, jobs_tally;
