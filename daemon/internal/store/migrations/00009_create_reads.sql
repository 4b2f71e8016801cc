-- What the on-call engineer asks: which errors are the same error, and lists and
-- counts that cost what they show. A ready or running job is in none of these
-- indexes: the happy path does not pay for them.

-- +goose Up
-- The signature of a failure: class, code, and the text without the words that
-- hold a digit (ids, numbers, times). Eight characters, the same for ever: the
-- column below stores it.
-- +goose StatementBegin
CREATE FUNCTION error_signature(class text, code integer, detail text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN class IS NOT NULL THEN
  left(md5(class || ' ' || coalesce(code::text, '-') || ' ' || regexp_replace(coalesce(detail, ''), '[^ ]*[0-9][^ ]*', '#', 'g')), 8) END;
-- +goose StatementEnd
ALTER TABLE jobs ADD COLUMN error_sig text GENERATED ALWAYS AS (error_signature(error_class, error_code, last_error)) STORED;

-- Pages of jobs that stand, newest first: by state, and of one org. The minus
-- keeps the primary key out of the plan: it looks cheap, because jobs of one state
-- are believed to lie evenly among the others, and they never do.
CREATE INDEX jobs_standing ON jobs (state, (-id)) WHERE state IN (0, 4, 5, 6);
CREATE INDEX jobs_standing_org ON jobs (org_id, state, (-id)) WHERE state IN (0, 4, 5, 6);
-- Counts and groups of them are answered from this index alone.
CREATE INDEX jobs_counted ON jobs (org_id, queue, state, job_type, error_class, error_sig) INCLUDE (attempt, started_at, id)
  WHERE state IN (0, 4, 5, 6);
CREATE INDEX jobs_signature ON jobs (error_sig, (-id)) WHERE state IN (0, 4, 6) AND error_sig IS NOT NULL;
-- Holds that covered the waits of a job's past are found by when they ended.
CREATE INDEX holds_released ON holds (released_at) WHERE released_at IS NOT NULL;

-- +goose Down
DROP INDEX holds_released, jobs_signature, jobs_counted, jobs_standing_org, jobs_standing;
ALTER TABLE jobs DROP COLUMN error_sig;
DROP FUNCTION error_signature;
