-- A report's JSON is kept as text: the database parsed it only to check what the codec had checked already. Rows are
-- rewritten, at about a minute for ten million. Look into one with `report::json`.

ALTER TABLE items ALTER COLUMN report TYPE text;
COMMENT ON COLUMN items.report IS 'JSON: the data of report.triaged with the version and decision that hold now';
