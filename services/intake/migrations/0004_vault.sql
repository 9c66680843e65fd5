-- The vault moves into a schema of its own, which neither intake nor the custodian owns: intake can seal and let expire,
-- the custodian can open what the audit already shows and re-wrap keys, and nobody can rewrite the audit.

SET LOCAL ROLE NONE;
CREATE SCHEMA intake_vault AUTHORIZATION ibalagh_intake_vault;
ALTER TABLE intake.vault SET SCHEMA intake_vault;
ALTER TABLE intake_vault.vault OWNER TO ibalagh_intake_vault;

SET LOCAL ROLE ibalagh_intake_vault;
REVOKE ALL ON SCHEMA intake_vault FROM PUBLIC;
REVOKE ALL ON intake_vault.vault FROM ibalagh_intake;
GRANT USAGE ON SCHEMA intake_vault TO ibalagh_intake, ibalagh_intake_custodian;

ALTER TABLE intake_vault.vault
    ALTER COLUMN key_id DROP NOT NULL,
    ALTER COLUMN nonce DROP NOT NULL,
    ALTER COLUMN ciphertext DROP NOT NULL,
    ALTER COLUMN wrapped_key DROP NOT NULL,
    ADD COLUMN erased_at timestamptz,
    ADD CONSTRAINT vault_sealed_or_erased CHECK (
        num_nonnulls(key_id, nonce, ciphertext, wrapped_key) = CASE WHEN erased_at IS NULL THEN 4 ELSE 0 END);
COMMENT ON COLUMN intake_vault.vault.erased_at IS 'When the identity and its key were erased; then nothing else is left';
CREATE INDEX vault_sealed_at ON intake_vault.vault USING brin (sealed_at);

CREATE TABLE intake_vault.keys (
    key_id        text        NOT NULL PRIMARY KEY,
    purpose       text        NOT NULL CHECK (purpose IN ('master', 'receipt')),
    check_value   bytea,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    dropped_at    timestamptz
);
COMMENT ON TABLE intake_vault.keys IS 'Which keys are in use, so that a lost one is noticed; never the keys themselves';
COMMENT ON COLUMN intake_vault.keys.check_value IS 'HMAC-SHA-256 under the key of a fixed text; null until a process that has the key starts';
INSERT INTO intake_vault.keys (key_id, purpose) SELECT DISTINCT key_id, 'master' FROM intake_vault.vault;

CREATE TABLE intake_vault.custodians (
    name        text        NOT NULL PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$' AND name <> 'retention'),
    secret_hash bytea       NOT NULL,
    added_at    timestamptz NOT NULL DEFAULT now(),
    removed_at  timestamptz
);
COMMENT ON TABLE intake_vault.custodians IS 'Who may open identities; SHA-256 of each one''s random secret';

CREATE TABLE intake_vault.audit (
    number    bigint      NOT NULL PRIMARY KEY,
    at        timestamptz NOT NULL,
    actor     text        NOT NULL,
    login     text        NOT NULL,
    action    text        NOT NULL,
    report_id uuid,
    outcome   text        NOT NULL,
    reason    text        NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    previous  bytea       NOT NULL,
    hash      bytea       NOT NULL,
    xid       xid8        NOT NULL DEFAULT pg_current_xact_id()
);
COMMENT ON TABLE intake_vault.audit IS 'Everything done with the vault by a person or by retention, each row with the hash of the one before';
COMMENT ON COLUMN intake_vault.audit.login IS 'The login of the database, which the one who acts cannot choose';
COMMENT ON COLUMN intake_vault.audit.hash IS 'SHA-256 of previous and the fields, see services/intake/audit.py';
COMMENT ON COLUMN intake_vault.audit.xid IS 'The transaction that wrote it; outside the hash, since it means nothing in another database';

CREATE TABLE intake_vault.audit_head (
    single boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (single),
    number bigint  NOT NULL,
    hash   bytea   NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE intake_vault.audit_head IS 'The newest row of the audit; its lock puts the writers in a row';
INSERT INTO intake_vault.audit_head (number, hash) VALUES (0, sha256('ibalagh vault audit'));

CREATE FUNCTION intake_vault.framed(field text) RETURNS bytea LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT int4send(octet_length(convert_to(field, 'UTF8'))) || convert_to(field, 'UTF8')
$$;

CREATE FUNCTION intake_vault.note(who text, what text, report uuid, came_to text, why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head  record;
    place bigint;
    time  timestamptz;
    chain bytea;
BEGIN
    SELECT number, hash INTO STRICT head FROM intake_vault.audit_head FOR UPDATE;
    place := head.number + 1;
    time := clock_timestamp();
    chain := sha256(head.hash
        || intake_vault.framed(place::text)
        || intake_vault.framed(to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))
        || intake_vault.framed(who) || intake_vault.framed(session_user::text) || intake_vault.framed(what)
        || intake_vault.framed(coalesce(report::text, '')) || intake_vault.framed(came_to) || intake_vault.framed(why));
    INSERT INTO intake_vault.audit (number, at, actor, login, action, report_id, outcome, reason, previous, hash)
    VALUES (place, time, who, session_user, what, report, came_to, why, head.hash, chain);
    UPDATE intake_vault.audit_head SET number = place, hash = chain;
    RETURN place;
END $$;
COMMENT ON FUNCTION intake_vault.note IS 'Append a row to the audit; only the functions of this schema call it';

CREATE FUNCTION intake_vault.record(who text, what text, report uuid, came_to text, why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF who = 'retention' OR what = 'erase' AND came_to = 'done' THEN
        RAISE EXCEPTION 'this row is written by what it tells of' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN intake_vault.note(who, what, report, came_to, why);
END $$;
COMMENT ON FUNCTION intake_vault.record IS 'Append what a custodian does';

CREATE FUNCTION intake_vault.opened(audited bigint)
RETURNS TABLE (nonce bytea, ciphertext bytea, wrapped_key bytea, key_id text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT v.nonce, v.ciphertext, v.wrapped_key, v.key_id
    FROM intake_vault.audit a JOIN intake_vault.vault v USING (report_id)
    WHERE a.number = audited AND a.action = 'open' AND a.outcome = 'granted' AND v.erased_at IS NULL
      AND a.at > clock_timestamp() - interval '1 minute'
      AND a.xid IS DISTINCT FROM pg_current_xact_id_if_assigned()
$$;
COMMENT ON FUNCTION intake_vault.opened IS
    'The sealed identity that a row of the audit, committed less than a minute ago, says is opened: the only way to it';

CREATE FUNCTION intake_vault.shred(reports uuid[], who text, why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone  uuid;
    count bigint := 0;
BEGIN
    FOR gone IN
        UPDATE intake_vault.vault
        SET key_id = NULL, nonce = NULL, ciphertext = NULL, wrapped_key = NULL, erased_at = clock_timestamp()
        WHERE report_id = ANY (reports) AND erased_at IS NULL RETURNING report_id
    LOOP
        PERFORM intake_vault.note(who, 'erase', gone, 'done', why);
        count := count + 1;
    END LOOP;
    RETURN count;
END $$;
COMMENT ON FUNCTION intake_vault.shred IS 'Erase identities and say so in the audit, in one; how many there were to erase';

CREATE FUNCTION intake_vault.erase(reports uuid[], who text, why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF who = 'retention' THEN
        RAISE EXCEPTION 'a custodian erases by name' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN intake_vault.shred(reports, who, why);
END $$;
COMMENT ON FUNCTION intake_vault.erase IS 'shred, for a custodian';

CREATE FUNCTION intake_vault.expire(reports uuid[], why text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT intake_vault.shred(reports, 'retention', why)
$$;
COMMENT ON FUNCTION intake_vault.expire IS 'shred, for retention, which has no other name';

CREATE FUNCTION intake_vault.admit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('intake_vault.keys', 0));
    INSERT INTO intake_vault.keys (key_id, purpose)
    SELECT DISTINCT key_id, 'master' FROM added ON CONFLICT DO NOTHING;
    IF EXISTS (SELECT FROM intake_vault.keys WHERE dropped_at IS NOT NULL AND key_id IN (SELECT a.key_id FROM added a))
    THEN
        RAISE EXCEPTION 'sealed with a master key that was dropped' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION intake_vault.admit IS
    'Once a statement: the keys of new rows are known, and none is sealed with a key that is being dropped';
CREATE TRIGGER vault_admit AFTER INSERT ON intake_vault.vault
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION intake_vault.admit();

CREATE FUNCTION intake_vault.drop_key(key text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('intake_vault.keys', 0));
    IF EXISTS (SELECT FROM intake_vault.vault v WHERE v.key_id = key) THEN
        RETURN false;
    END IF;
    UPDATE intake_vault.keys k SET dropped_at = coalesce(dropped_at, clock_timestamp()) WHERE k.key_id = key;
    RETURN true;
END $$;
COMMENT ON FUNCTION intake_vault.drop_key IS 'Let nothing be sealed with a key any more, if nothing is; whether that is so';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA intake_vault FROM PUBLIC;

GRANT INSERT (report_id, key_id, nonce, ciphertext, wrapped_key, sealed_at),
      SELECT (report_id, key_id, sealed_at, erased_at) ON intake_vault.vault TO ibalagh_intake;
GRANT SELECT, INSERT, UPDATE (check_value) ON intake_vault.keys TO ibalagh_intake;
GRANT EXECUTE ON FUNCTION intake_vault.expire TO ibalagh_intake;

GRANT SELECT (report_id, key_id, wrapped_key, sealed_at, erased_at), UPDATE (key_id, wrapped_key)
      ON intake_vault.vault TO ibalagh_intake_custodian;
GRANT SELECT, INSERT, UPDATE (check_value) ON intake_vault.keys TO ibalagh_intake_custodian;
GRANT SELECT, INSERT, UPDATE (removed_at) ON intake_vault.custodians TO ibalagh_intake_custodian;
GRANT SELECT ON intake_vault.audit, intake_vault.audit_head TO ibalagh_intake_custodian;
GRANT EXECUTE ON FUNCTION intake_vault.record, intake_vault.opened, intake_vault.erase, intake_vault.drop_key
      TO ibalagh_intake_custodian;

SET LOCAL ROLE ibalagh_intake;
CREATE TABLE intake.identity_categories (
    report_id uuid    NOT NULL PRIMARY KEY,
    version   integer NOT NULL,
    category  text    NOT NULL
);
COMMENT ON TABLE intake.identity_categories IS 'What reports with an identity were found to be about, for retention; filled by its sweeps';
