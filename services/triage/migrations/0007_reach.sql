-- The queue is ordered by urgency, age and reach; supplements may come before their reports; what is old is removed.

ALTER TABLE items ADD COLUMN reach smallint NOT NULL DEFAULT 0;
COMMENT ON COLUMN items.reach IS
    'Of the report that stands for a campaign: how often the campaign doubled, rounded down; each counts as two hours of waiting';
UPDATE items SET reach = floor(log(2, campaigns.reports))::smallint
FROM campaigns WHERE items.report_id = campaigns.head AND campaigns.reports > 1;

CREATE INDEX items_queue ON items (urgency DESC, (received_at AT TIME ZONE 'UTC' - interval '2 hours' * reach), report_id)
WHERE state = 'open';
DROP INDEX items_open;

CREATE TABLE overtaken (
    report_id uuid NOT NULL PRIMARY KEY
);
COMMENT ON TABLE overtaken IS 'Reports that are not here yet while something that their reporters added is; nearly always empty';
CREATE INDEX views_age ON views (last_at);
