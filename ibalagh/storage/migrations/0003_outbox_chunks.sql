-- What one batch causes goes in and out of the outbox by the hundred: a row for each record cost PostgreSQL and the relay
-- more than everything else they do with it.

DO $$
BEGIN
    IF EXISTS (SELECT FROM outbox) THEN
        RAISE EXCEPTION 'the outbox still holds records: let the version before publish them (its relay''s lag is 0), then apply again';
    END IF;
END
$$;

DROP TABLE outbox;

CREATE TABLE outbox (
    source_topic     text    NOT NULL,
    source_partition integer NOT NULL,
    first_offset     bigint  NOT NULL,
    last_offset      bigint  NOT NULL CHECK (last_offset >= first_offset),
    records          integer NOT NULL CHECK (records > 0),
    packed           bytea   NOT NULL,
    written          bigint  NOT NULL GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (source_topic, source_partition, first_offset)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
-- Packed already, so that the server need not try.
ALTER TABLE outbox ALTER COLUMN packed SET STORAGE EXTERNAL;
COMMENT ON TABLE outbox IS 'Records to publish, in the order of the position of their causes, some hundred to a row';
COMMENT ON COLUMN outbox.first_offset IS 'Of the causes of this row''s records; all effects of a source record are in one row';
COMMENT ON COLUMN outbox.packed IS 'See ibalagh/storage/chunks.py';
COMMENT ON COLUMN outbox.written IS 'Order among what a reader sees; never a position: it does not follow commits';
