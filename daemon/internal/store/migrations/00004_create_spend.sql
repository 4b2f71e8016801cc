-- Ad spend per campaign and day, and what is known of channel tokens: how long
-- they live, when to renew them, and whether the provider still takes them.

-- +goose Up
ALTER TABLE channels
  ADD COLUMN state_reason      text NOT NULL DEFAULT '',   -- why it is not active, for operators
  ADD COLUMN token_kind        text NOT NULL DEFAULT 'unknown'
    CONSTRAINT channels_token_kind CHECK (token_kind IN ('instagram_long', 'facebook_long', 'system_user', 'page', 'unknown')),
  ADD COLUMN token_version     bigint NOT NULL DEFAULT 1,  -- rises with every new token
  ADD COLUMN token_issued_at   timestamptz,
  ADD COLUMN token_expires_at  timestamptz,                -- null: never, or (token_checked_at null) not known
  ADD COLUMN token_checked_at  timestamptz,                -- when the provider last told about it
  ADD COLUMN token_refresh_at  timestamptz,                -- when it is to be looked at or renewed; null: not by itself
  ADD COLUMN token_refused     boolean NOT NULL DEFAULT false, -- this very token got error 190
  ADD COLUMN token_alert       smallint NOT NULL DEFAULT 0; -- 1: seven days before expiry, 2: one day
CREATE INDEX channels_token_refresh ON channels (token_refresh_at) WHERE token_refresh_at IS NOT NULL;
CREATE INDEX channels_token_expiry ON channels (token_expires_at) WHERE token_expires_at IS NOT NULL;
-- Instagram tokens can be renewed a day after they were made, the others are
-- asked about first; spread over an hour.
UPDATE channels SET
  token_kind = CASE kind WHEN 'instagram' THEN 'instagram_long' ELSE 'unknown' END,
  token_issued_at = created_at,
  token_refresh_at = greatest(created_at + CASE kind WHEN 'instagram' THEN interval '25 hours' ELSE interval '0' END, now())
                     + ((hashint8(id) & 2147483647) % 3600) * interval '1 second'
WHERE token_sealed <> '';

-- What syncing an ad account has to remember.
CREATE TABLE ad_accounts (
  channel_id      bigint PRIMARY KEY,
  org_id          bigint NOT NULL,
  time_zone       text NOT NULL DEFAULT '',        -- the account's own; empty: not known, the org's counts
  looked_at       timestamptz,                     -- when the provider was last asked for it
  quiet_until     timestamptz,                     -- the quota is nearly used up
  run_id          text,                            -- a report the provider is working on
  run_since       date,
  run_until       date,
  run_started_at  timestamptz,
  synced_at       timestamptz,
  CONSTRAINT ad_accounts_channel_fkey FOREIGN KEY (org_id, channel_id) REFERENCES channels (org_id, id) ON DELETE CASCADE,
  CONSTRAINT ad_accounts_run CHECK ((run_id IS NULL) = (run_since IS NULL OR run_until IS NULL OR run_started_at IS NULL))
);

-- One row per campaign and day (of the account's time zone). Restated days
-- overwrite; a day that vanished from the provider's answer becomes zero.
CREATE TABLE ad_spend (
  org_id         bigint NOT NULL,
  channel_id     bigint NOT NULL,
  campaign_id    text NOT NULL,
  day            date NOT NULL,
  campaign_name  text NOT NULL DEFAULT '',
  currency       text NOT NULL CONSTRAINT ad_spend_currency CHECK (currency ~ '^[A-Z]{3}$'),
  spend          numeric(21, 6) NOT NULL CONSTRAINT ad_spend_positive CHECK (spend >= 0),
  impressions    bigint NOT NULL DEFAULT 0,
  clicks         bigint NOT NULL DEFAULT 0,
  synced_at      timestamptz NOT NULL,             -- when this row was last written
  CONSTRAINT ad_spend_pkey PRIMARY KEY (channel_id, day, campaign_id),
  CONSTRAINT ad_spend_channel_fkey FOREIGN KEY (org_id, channel_id) REFERENCES channels (org_id, id) ON DELETE CASCADE
);
CREATE INDEX ad_spend_org ON ad_spend (org_id, day);

-- +goose Down
DROP TABLE ad_spend, ad_accounts;
ALTER TABLE channels DROP COLUMN state_reason, DROP COLUMN token_kind, DROP COLUMN token_version, DROP COLUMN token_issued_at,
  DROP COLUMN token_expires_at, DROP COLUMN token_checked_at, DROP COLUMN token_refresh_at, DROP COLUMN token_refused,
  DROP COLUMN token_alert;
