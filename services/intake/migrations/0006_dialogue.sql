-- What reporters say after their reports, and what analysts write to them. No text of a reporter is in these tables.

ALTER TABLE pending ADD COLUMN event_type text;
COMMENT ON COLUMN pending.report_id IS 'The id of the event: of a report, or of an amendment of one';
COMMENT ON COLUMN pending.event_type IS 'The CloudEvents type of the event; null: report.received';

CREATE TABLE amendments (
    amendment_id uuid        NOT NULL PRIMARY KEY,
    report_id    uuid        NOT NULL REFERENCES submissions,
    kind         text        NOT NULL CHECK (kind IN ('addition', 'correction', 'message', 'withdrawal')),
    amended_at   timestamptz NOT NULL,
    key_hash     bytea,
    body_hash    bytea
);
CREATE INDEX amendments_report ON amendments (report_id, amended_at);
CREATE UNIQUE INDEX amendments_key ON amendments (key_hash) WHERE key_hash IS NOT NULL;
CREATE UNIQUE INDEX amendments_withdrawal ON amendments (report_id) WHERE kind = 'withdrawal';
COMMENT ON TABLE amendments IS 'Supplements and withdrawals by receipt: that there are some, and when, never what they say';
COMMENT ON COLUMN amendments.key_hash IS 'HMAC-SHA-256 of the idempotency key with the receipt';
COMMENT ON COLUMN amendments.body_hash IS 'HMAC-SHA-256 of the body that came with the key';

CREATE TABLE messages (
    message_id uuid        NOT NULL PRIMARY KEY,
    report_id  uuid        NOT NULL,
    sent_at    timestamptz NOT NULL,
    text       text        NOT NULL
);
CREATE INDEX messages_report ON messages (report_id, sent_at);
COMMENT ON TABLE messages IS 'Projection: what analysts wrote to reporters, who read it when they ask with the receipt';

SET LOCAL ROLE ibalagh_intake_vault;
CREATE FUNCTION intake_vault.withdraw(reports uuid[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT intake_vault.shred(reports, '(reporter)', 'asked for with the receipt')
$$;
COMMENT ON FUNCTION intake_vault.withdraw IS 'shred, for reporters who want it, under a name that no custodian can have';
REVOKE ALL ON FUNCTION intake_vault.withdraw FROM PUBLIC;
GRANT EXECUTE ON FUNCTION intake_vault.withdraw TO ibalagh_intake;

CREATE OR REPLACE FUNCTION intake_vault.erase(reports uuid[], who text, why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF who = 'retention' OR who LIKE '(%' THEN
        RAISE EXCEPTION 'a custodian erases by name' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN intake_vault.shred(reports, who, why);
END $$;
SET LOCAL ROLE ibalagh_intake;
