-- What analysts do at the desk: who works on which report, what was decided, proposed, handed on, done in bulk, and
-- what each has seen and prefers. The path of a report touches none of it. Persons are pseudonyms.

CREATE TABLE claims (
    report_id uuid        NOT NULL PRIMARY KEY,
    person    text        NOT NULL,
    until     timestamptz NOT NULL
);
COMMENT ON TABLE claims IS 'Leases: who works on a report, and until when; one that is over holds nothing';

CREATE TABLE decisions (
    report_id  uuid        NOT NULL,
    version    integer     NOT NULL,
    command_id uuid        NOT NULL,
    decided_at timestamptz NOT NULL,
    person     text        NOT NULL,
    reviewed   text        NOT NULL,
    PRIMARY KEY (report_id, version)
);
COMMENT ON TABLE decisions IS 'Every version of a report that a person made; the first one is the machine''s and not here';
COMMENT ON COLUMN decisions.reviewed IS 'JSON: the data of report.reviewed';

CREATE TABLE proposals (
    report_id   uuid    NOT NULL PRIMARY KEY,
    proposal_id uuid    NOT NULL,
    version     integer NOT NULL,
    command     text    NOT NULL
);
COMMENT ON TABLE proposals IS 'Decisions that wait for a second person';
COMMENT ON COLUMN proposals.command IS 'JSON: the data of report.decide';

CREATE TABLE escalations (
    report_id    uuid        NOT NULL PRIMARY KEY,
    person       text        NOT NULL,
    reason       text        NOT NULL,
    escalated_at timestamptz NOT NULL
);
COMMENT ON TABLE escalations IS 'Reports that were handed on to somebody with more experience, until they are decided';

CREATE TABLE bulks (
    bulk_id    uuid        NOT NULL PRIMARY KEY,
    person     text        NOT NULL,
    made_at    timestamptz NOT NULL,
    filter     text        NOT NULL,
    decision   text,
    decided_at timestamptz,
    undone_at  timestamptz
);
COMMENT ON TABLE bulks IS 'Selections of reports, frozen when they were made, and the one decision about all of them';
COMMENT ON COLUMN bulks.filter IS 'The list that was selected from, as the query of its address';
COMMENT ON COLUMN bulks.decision IS 'JSON: action, category, organisation, reason; null until decided';

CREATE TABLE bulk_reports (
    bulk_id   uuid    NOT NULL REFERENCES bulks ON DELETE CASCADE,
    number    integer NOT NULL,
    report_id uuid    NOT NULL,
    version   integer NOT NULL,
    PRIMARY KEY (bulk_id, number)
);
COMMENT ON COLUMN bulk_reports.version IS 'As it was when the report was selected';

CREATE TABLE views (
    person    text        NOT NULL,
    report_id uuid        NOT NULL,
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    category  text        NOT NULL,
    PRIMARY KEY (person, report_id)
);
CREATE INDEX views_recent ON views (person, last_at);
COMMENT ON TABLE views IS 'Who was shown the content of which report';

CREATE TABLE preferences (
    person  text NOT NULL PRIMARY KEY,
    choices text NOT NULL
);
COMMENT ON TABLE preferences IS 'How an analyst wants to be shown what';
COMMENT ON COLUMN preferences.choices IS 'JSON: see services/triage/wellbeing.py';
