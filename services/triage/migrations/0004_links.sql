-- Which reports have which indicator, and what people ruled about links. A link itself is no row: two reports that have
-- a key in common are linked, unless a person ruled otherwise.

CREATE TABLE link_keys (
    key       uuid NOT NULL,
    report_id uuid NOT NULL,
    PRIMARY KEY (key, report_id)
);
COMMENT ON TABLE link_keys IS 'Report ids begin with the time, so the first row of a key is its oldest report';

CREATE TABLE link_rulings (
    report_id  uuid        NOT NULL,
    number     integer     NOT NULL,
    target     uuid        NOT NULL,
    by_key     boolean     NOT NULL,
    verdict    text        NOT NULL CHECK (verdict IN ('linked', 'unlinked')),
    actor      text        NOT NULL,
    reason     text        NOT NULL,
    ruled_at   timestamptz NOT NULL,
    PRIMARY KEY (report_id, number)
);
COMMENT ON TABLE link_rulings IS 'Of a ruling about two reports there are two rows; the highest number of a target holds';
COMMENT ON COLUMN link_rulings.target IS 'The other report, or if by_key the key that the report is taken from or given back to';
