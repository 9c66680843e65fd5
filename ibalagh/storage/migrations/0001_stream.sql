-- What every service keeps: how far it has read, what it has yet to publish, and how commands ended.

CREATE TABLE stream_offsets (
    consumer    text    NOT NULL,
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE stream_offsets IS 'Per consumer and partition the next offset to read, stored with the effects of all before it';

CREATE TABLE outbox (
    source_topic     text    NOT NULL,
    source_partition integer NOT NULL,
    source_offset    bigint  NOT NULL,
    number           integer NOT NULL,
    topic            text    NOT NULL,
    key              bytea,
    value            bytea,
    headers          text    NOT NULL,
    PRIMARY KEY (source_topic, source_partition, source_offset, number)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, toast_tuple_target = 8160);
COMMENT ON TABLE outbox IS 'Records to publish, in the order of the position of their cause; number -1 is a dead letter';
COMMENT ON COLUMN outbox.headers IS 'JSON array of [name, value]; value is null or the bytes read as ISO 8859-1';

CREATE TABLE command_results (
    command_id  uuid        NOT NULL PRIMARY KEY,
    outcome     text        NOT NULL CHECK (outcome IN ('applied', 'refused')),
    code        text        CHECK ((code IS NULL) = (outcome = 'applied')),
    detail      jsonb       NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE command_results IS 'How a command ended, written in the transaction that handled it';
