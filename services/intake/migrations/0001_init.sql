-- What intake keeps: who may ask about a report, what is not yet published, sealed identities, and statuses.

CREATE TABLE submissions (
    report_id    uuid        NOT NULL PRIMARY KEY,
    accepted_at  timestamptz NOT NULL,
    receipt_hash bytea       NOT NULL,
    key_hash     bytea,
    body_hash    bytea
);
COMMENT ON TABLE submissions IS 'Every report that was taken in; nothing of its content and nothing of its sender';
COMMENT ON COLUMN submissions.receipt_hash IS 'HMAC-SHA-256 of the receipt; the receipt itself is stored nowhere';
COMMENT ON COLUMN submissions.key_hash IS 'HMAC-SHA-256 of the idempotency key; null when none was given';
COMMENT ON COLUMN submissions.body_hash IS 'HMAC-SHA-256 of the body that came with the key';
CREATE UNIQUE INDEX submissions_receipt ON submissions (receipt_hash);
CREATE UNIQUE INDEX submissions_key ON submissions (key_hash) WHERE key_hash IS NOT NULL;

CREATE TABLE pending (
    report_id   uuid        NOT NULL PRIMARY KEY,
    accepted_at timestamptz NOT NULL,
    value       bytea       NOT NULL,
    stored_at   timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
COMMENT ON TABLE pending IS 'Reports that are stored and of which the acknowledgement of the broker is not yet noted';
COMMENT ON COLUMN pending.value IS 'The data of report.received, from which the same record is made again';

CREATE TABLE published_positions (
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    before      timestamptz NOT NULL,
    next_offset bigint      NOT NULL,
    PRIMARY KEY (topic, partition, before)
) WITH (fillfactor = 50);
COMMENT ON TABLE published_positions IS 'By the minute, how far the log had come: a report stored after "before" lies at next_offset or later';

CREATE TABLE vault (
    report_id   uuid        NOT NULL PRIMARY KEY,
    key_id      text        NOT NULL,
    nonce       bytea       NOT NULL,
    ciphertext  bytea       NOT NULL,
    wrapped_key bytea       NOT NULL,
    sealed_at   timestamptz NOT NULL
);
COMMENT ON TABLE vault IS 'Sealed identities: AES-256-GCM with a data key per report, wrapped by the master key key_id';

CREATE TABLE report_status (
    report_id      uuid        NOT NULL PRIMARY KEY,
    triage_version integer,
    triage_status  text,
    triaged_at     timestamptz,
    case_id        uuid,
    linked_at      timestamptz
) WITH (fillfactor = 80);
COMMENT ON TABLE report_status IS 'Projection: what triage made of a report, and the case that it is in';

CREATE TABLE case_status (
    case_id    uuid        NOT NULL PRIMARY KEY,
    version    integer     NOT NULL,
    status     text        NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);
COMMENT ON TABLE case_status IS 'Projection: where a case stands, once it stands elsewhere than at its referral';
