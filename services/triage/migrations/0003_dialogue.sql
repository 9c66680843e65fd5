-- What reporters said after their reports, and what analysts wrote to them. The path of a report touches none of it.

CREATE TABLE amendments (
    amendment_id     uuid        NOT NULL PRIMARY KEY,
    report_id        uuid        NOT NULL,
    number           integer     NOT NULL,
    kind             text        NOT NULL CHECK (kind IN ('addition', 'correction', 'message', 'withdrawal')),
    amended_at       timestamptz NOT NULL,
    urgency          smallint    NOT NULL,
    found            text        NOT NULL,
    source_topic     text        NOT NULL,
    source_partition integer     NOT NULL,
    source_offset    bigint      NOT NULL,
    UNIQUE (report_id, number)
);
COMMENT ON TABLE amendments IS 'Supplements and withdrawals by receipt, without their text';
COMMENT ON COLUMN amendments.number IS 'From 1, in the order of the log';
COMMENT ON COLUMN amendments.found IS 'JSON: the data of report.amended';
COMMENT ON COLUMN amendments.source_offset IS 'With topic and partition: where the supplement stands, which alone holds the text';

CREATE TABLE messages (
    message_id uuid        NOT NULL PRIMARY KEY,
    report_id  uuid        NOT NULL,
    sent_at    timestamptz NOT NULL,
    sender     text        NOT NULL,
    text       text        NOT NULL
);
CREATE INDEX messages_report ON messages (report_id, sent_at);
COMMENT ON TABLE messages IS 'What analysts wrote to reporters';

CREATE TABLE dialogues (
    report_id    uuid        NOT NULL PRIMARY KEY,
    amendments   integer     NOT NULL,
    seen         integer     NOT NULL DEFAULT 0,
    urgency      smallint    NOT NULL,
    changed_at   timestamptz NOT NULL,
    withdrawn_at timestamptz
);
CREATE INDEX dialogues_new ON dialogues (urgency DESC, changed_at, report_id) WHERE seen < amendments;
COMMENT ON TABLE dialogues IS 'One row for a report with amendments: what of them people have not seen yet';
COMMENT ON COLUMN dialogues.seen IS 'How many amendments were shown to whoever last decided about the report, or wrote to its reporter';
COMMENT ON COLUMN dialogues.urgency IS 'The highest of all amendments that nobody has seen';
