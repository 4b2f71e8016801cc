-- Latency over time: one histogram per hour, org, queue, job type and metric.

-- +goose Up
-- metric: 1 wait 2 run 3 e2e. org_id 0: all orgs together. buckets are those of
-- the daemon's package latency, in order; counts has one number for each.
CREATE TABLE latency_rollups (
  hour      timestamptz NOT NULL,
  org_id    bigint NOT NULL,
  queue     smallint NOT NULL,
  job_type  smallint NOT NULL,
  metric    smallint NOT NULL CONSTRAINT latency_rollups_metric CHECK (metric BETWEEN 1 AND 3),
  n         bigint NOT NULL,
  buckets   smallint[] NOT NULL,
  counts    integer[] NOT NULL,
  PRIMARY KEY (org_id, hour, queue, job_type, metric),
  CONSTRAINT latency_rollups_counts CHECK (cardinality(buckets) = cardinality(counts))
);
-- The busiest orgs of a day are found in the index alone.
CREATE INDEX latency_rollups_hour ON latency_rollups (hour, metric) INCLUDE (org_id, queue, job_type, n);

-- How far they reach: the rows that ended before rolled_until and were committed
-- by the snapshot are in them, and no others.
CREATE TABLE latency_rolled (
  one           boolean PRIMARY KEY DEFAULT true CONSTRAINT latency_rolled_one CHECK (one),
  rolled_until  timestamptz NOT NULL,
  snapshot      pg_snapshot NOT NULL,
  snapshot_at   timestamptz NOT NULL
);

-- Rows come in the order of their end: an hour of them lies together, and is
-- found by an index that costs next to nothing to keep.
CREATE INDEX job_history_finished ON job_history USING brin (finished_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX job_events_at ON job_events USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

-- +goose Down
DROP INDEX job_history_finished, job_events_at;
DROP TABLE latency_rolled, latency_rollups;
