-- Cases, the reports in them, who owns which indicator, suspects, and what people did. No foreign keys: every row is
-- written by one transaction that holds its case's lock, and a check per row would cost more than the row.

CREATE TABLE cases (
    case_id          uuid        NOT NULL PRIMARY KEY,
    number           bigint      NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    version          integer     NOT NULL CHECK (version >= 1),
    state            text        NOT NULL,
    category         text        NOT NULL,
    province         text,
    urgency          smallint    NOT NULL,
    service          text        NOT NULL,
    prosecutor       text        NOT NULL,
    competence_table text        NOT NULL,
    competence_rule  text        NOT NULL,
    received_on      date        NOT NULL,
    opened_at        timestamptz NOT NULL,
    tally            json        NOT NULL,
    result           text        CHECK ((result IS NULL) = (state <> 'closed'))
) WITH (fillfactor = 85);
COMMENT ON COLUMN cases.number IS 'Order of opening; the oldest case wins when a report bridges several';
COMMENT ON COLUMN cases.tally IS 'Reports by category, in the order in which the case met the categories';

CREATE TABLE case_reports (
    report_id      uuid        NOT NULL PRIMARY KEY,
    case_id        uuid,
    version        integer     NOT NULL CHECK (version >= 1),
    joined_version integer     NOT NULL,
    category       text        NOT NULL,
    received_on    date        NOT NULL,
    joined_at      timestamptz NOT NULL
);
CREATE INDEX case_reports_of_case ON case_reports (case_id, joined_version);
COMMENT ON COLUMN case_reports.case_id IS 'Null after a person dismissed the report';
COMMENT ON COLUMN case_reports.version IS 'The latest version of the report that was handled; older ones are refused';

CREATE TABLE indicators (
    key     uuid NOT NULL PRIMARY KEY,
    case_id uuid NOT NULL
);
COMMENT ON TABLE indicators IS 'Which case owns an indicator; the key is a hash of its kind and canonical value';

CREATE TABLE suspects (
    case_id     uuid NOT NULL,
    suspect_ref text NOT NULL,
    state       text NOT NULL,
    PRIMARY KEY (case_id, suspect_ref)
);
COMMENT ON COLUMN suspects.suspect_ref IS 'The service''s own reference, never a name';

CREATE TABLE case_history (
    case_id     uuid        NOT NULL,
    version     integer     NOT NULL,
    type        text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    actor       text,
    detail      json        NOT NULL,
    PRIMARY KEY (case_id, version)
);
COMMENT ON TABLE case_history IS 'Events that the rows of cases and case_reports do not tell themselves';
