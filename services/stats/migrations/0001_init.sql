-- The exact counters, and the memory that tells a repeated event from a new one.
-- A rebuild writes into twins of these tables and then renames them, so nothing else may refer to them.

CREATE TABLE counters (
    measure      text    NOT NULL,
    day          date    NOT NULL,
    category     text,
    organisation text,
    identified   boolean,
    country      text,
    count        bigint  NOT NULL,
    UNIQUE NULLS NOT DISTINCT (measure, day, category, organisation, identified, country)
) WITH (fillfactor = 70);
COMMENT ON TABLE counters IS 'One row a cell of the cross-tabs; null where a dimension does not apply';
COMMENT ON COLUMN counters.day IS 'Of reports: when they came in; of acts on cases: when they happened; civil days of Morocco';

CREATE TABLE seen (
    report_id uuid     NOT NULL,
    kind      smallint NOT NULL,
    PRIMARY KEY (report_id, kind)
);
COMMENT ON TABLE seen IS 'Reports whose receipt (kind 0) or triage by the machine (kind 1) was counted; insert only';

CREATE TABLE marks (
    topic           text    NOT NULL,
    partition       integer NOT NULL,
    cause_topic     text    NOT NULL,
    cause_partition integer NOT NULL,
    cause_offset    bigint  NOT NULL,
    cause_number    integer NOT NULL,
    PRIMARY KEY (topic, partition, cause_topic, cause_partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE marks IS 'The last cause counted of each chain of derived events: what is not above it is a repeat';

CREATE TABLE refused (
    topic           text    NOT NULL,
    partition       integer NOT NULL,
    cause_topic     text    NOT NULL,
    cause_partition integer NOT NULL,
    cause_offset    bigint  NOT NULL,
    cause_number    integer NOT NULL,
    PRIMARY KEY (topic, partition, cause_topic, cause_partition, cause_offset, cause_number)
);
COMMENT ON TABLE refused IS 'Derived events that were refused for their content: they count if they are replayed and read then';
