-- Who signs in to a service's pages, and what they see and do there. Names are kept with open sessions only; of reporters
-- there is nothing here, and no network address of anybody.

CREATE TABLE people (
    pseudonym    text        NOT NULL PRIMARY KEY,
    roles        text[]      NOT NULL,
    signed_in_at timestamptz NOT NULL,
    revoked_at   timestamptz
);
COMMENT ON TABLE people IS 'Everybody who ever signed in here, with the roles that were seen last';
COMMENT ON COLUMN people.revoked_at IS 'Since when the person may not sign in, by a command; null: may';

CREATE TABLE sessions (
    id_hash       bytea       NOT NULL PRIMARY KEY,
    person        text        NOT NULL REFERENCES people,
    name          text        NOT NULL,
    roles         text[]      NOT NULL,
    began_at      timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    confirmed_at  timestamptz NOT NULL,
    next_check_at timestamptz,
    sealed        bytea
) WITH (fillfactor = 70);
CREATE INDEX sessions_person ON sessions (person);
COMMENT ON TABLE sessions IS 'Open sessions; one that ends is deleted';
COMMENT ON COLUMN sessions.id_hash IS 'SHA-256 of the cookie''s value';
COMMENT ON COLUMN sessions.next_check_at IS 'When the provider is asked about the person again; null where there is none';
COMMENT ON COLUMN sessions.sealed IS 'The provider''s tokens, under a key derived from the cookie''s value';

CREATE TABLE access_audit (
    number     bigint      NOT NULL PRIMARY KEY,
    at         timestamptz NOT NULL,
    person     text        NOT NULL,
    login      text        NOT NULL,
    action     text        NOT NULL,
    kind       text        NOT NULL,
    subject    text        NOT NULL,
    permission text        NOT NULL,
    detail     text        NOT NULL CHECK (char_length(detail) <= 200),
    previous   bytea       NOT NULL,
    hash       bytea       NOT NULL
);
CREATE INDEX access_audit_subject ON access_audit (subject);
CREATE INDEX access_audit_person ON access_audit (person);
COMMENT ON TABLE access_audit IS 'Who saw and did what, each row with the hash of the one before; nothing is changed or removed';
COMMENT ON COLUMN access_audit.login IS 'The login of the database, which the one who acts cannot choose';
COMMENT ON COLUMN access_audit.hash IS 'SHA-256 of previous and the fields, see ibalagh/storage/chain.py';

CREATE TABLE access_audit_head (
    single boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (single),
    number bigint  NOT NULL,
    hash   bytea   NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE access_audit_head IS 'The newest row of the audit; its lock puts the writers in a row';
INSERT INTO access_audit_head (number, hash) VALUES (0, sha256('ibalagh access audit'));

CREATE FUNCTION access_framed(field text) RETURNS bytea LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT int4send(octet_length(convert_to(field, 'UTF8'))) || convert_to(field, 'UTF8')
$$;

CREATE FUNCTION access_note(who text, what text, of_kind text, subjects text[], by_permission text, more text) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    head    record;
    place   bigint;
    moment  timestamptz;
    chain   bytea;
    subject text;
BEGIN
    SELECT h.number, h.hash INTO STRICT head FROM access_audit_head h FOR UPDATE;
    place := head.number;
    chain := head.hash;
    moment := clock_timestamp();
    FOREACH subject IN ARRAY subjects LOOP
        place := place + 1;
        head.hash := chain;
        chain := sha256(chain
            || access_framed(place::text)
            || access_framed(to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'))
            || access_framed(who) || access_framed(session_user::text) || access_framed(what) || access_framed(of_kind)
            || access_framed(subject) || access_framed(by_permission) || access_framed(more));
        INSERT INTO access_audit (number, at, person, login, action, kind, subject, permission, detail, previous, hash)
        VALUES (place, moment, who, session_user, what, of_kind, subject, by_permission, more, head.hash, chain);
    END LOOP;
    UPDATE access_audit_head SET number = place, hash = chain;
    RETURN place;
END $$;
COMMENT ON FUNCTION access_note IS 'Append a row to the audit for each subject; the number of the last';

CREATE FUNCTION access_audit_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the audit is only added to' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER access_audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON access_audit
FOR EACH STATEMENT EXECUTE FUNCTION access_audit_stays();
