-- Where each report lies in the log, so that a repeated request gets the same signed receipt.

ALTER TABLE submissions ADD COLUMN record_sha256 bytea;
COMMENT ON COLUMN submissions.record_sha256 IS 'SHA-256 of the record''s value in the log; null before signed receipts';

CREATE TABLE log_positions (
    report_id  uuid    NOT NULL PRIMARY KEY,
    topic      text    NOT NULL,
    partition  integer NOT NULL,
    log_offset bigint  NOT NULL
);
COMMENT ON TABLE log_positions IS 'Where the broker acknowledged a report; written with the note that it is published';
