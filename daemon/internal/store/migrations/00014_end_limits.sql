-- A change of a limit says whether it was about a temporary value, so that the
-- history knows which change ended which value.

-- +goose Up
ALTER TABLE limit_changes
  ADD COLUMN temporary boolean NOT NULL DEFAULT false; -- it set a temporary value, or ended one and left the lasting one
UPDATE limit_changes SET temporary = true WHERE expires_at IS NOT NULL;
CREATE INDEX limit_changes_name ON limit_changes (org_id, name, id);

-- +goose Down
DROP INDEX limit_changes_name;
ALTER TABLE limit_changes DROP COLUMN temporary;
