-- Every triaged report as it stands now: the analysts' queue, and the authority on a report's version.
-- The report is kept whole, and beside it only what a query looks for: every column more is paid for by every report.

CREATE TABLE items (
    report_id        uuid        NOT NULL PRIMARY KEY,
    received_at      timestamptz NOT NULL,
    source_offset    bigint      NOT NULL,
    source_partition integer     NOT NULL,
    urgency          smallint    NOT NULL,
    state            text        NOT NULL CHECK (state IN ('open', 'decided', 'straight')),
    source_topic     text        NOT NULL,
    report           json        NOT NULL
);
CREATE INDEX items_open ON items (urgency DESC, received_at, report_id) WHERE state = 'open';
COMMENT ON COLUMN items.state IS 'open: a person must decide; decided: a person did; straight: the machine was sure';
COMMENT ON COLUMN items.report IS 'The data of report.triaged with the version and decision that hold now';
COMMENT ON COLUMN items.source_offset IS 'With topic and partition: where report.received stands, which alone holds the text';
