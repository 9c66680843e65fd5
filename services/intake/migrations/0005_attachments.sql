-- Evidence: what is known of every file that was sent, and the keys of its two blobs. Intake can stage, give a file to one
-- report once, and forget what no report has; the keys it can write and not read, as with identities.

SET LOCAL ROLE ibalagh_intake_vault;

CREATE TABLE intake_vault.uploads (
    upload_id       uuid        NOT NULL PRIMARY KEY,
    capability_hash bytea       NOT NULL UNIQUE,
    sha256          bytea       NOT NULL,
    size_bytes      bigint      NOT NULL CHECK (size_bytes > 0),
    media_type      text        NOT NULL,
    view_bytes      bigint,
    staged_at       timestamptz NOT NULL DEFAULT now(),
    report_id       uuid,
    number          smallint,
    CONSTRAINT uploads_claimed_whole CHECK (num_nonnulls(report_id, number) IN (0, 2)),
    CONSTRAINT uploads_place UNIQUE (report_id, number)
);
COMMENT ON TABLE intake_vault.uploads IS 'Files sent as evidence; without report_id: staged, and deleted after some hours';
COMMENT ON COLUMN intake_vault.uploads.capability_hash IS 'HMAC-SHA-256 of the id that the uploader holds; the id itself is stored nowhere';
COMMENT ON COLUMN intake_vault.uploads.view_bytes IS 'Size of the copy without metadata; null when the kind has none';
COMMENT ON COLUMN intake_vault.uploads.number IS 'Place among the files of the report, from 1';
CREATE INDEX uploads_staged ON intake_vault.uploads (staged_at) WHERE report_id IS NULL;

CREATE TABLE intake_vault.upload_keys (
    upload_id   uuid    NOT NULL REFERENCES intake_vault.uploads ON DELETE CASCADE,
    view        boolean NOT NULL,
    key_id      text    NOT NULL,
    wrapped_key bytea   NOT NULL,
    share       bytea   NOT NULL,
    PRIMARY KEY (upload_id, view)
);
COMMENT ON TABLE intake_vault.upload_keys IS 'Data keys of blobs, the original''s and the viewing copy''s, each wrapped by the master key key_id';
COMMENT ON COLUMN intake_vault.upload_keys.share IS
    'The other half of the file''s key: whoever wraps keys again sees wrapped_key, and only the audited functions give this out';
CREATE INDEX upload_keys_key ON intake_vault.upload_keys (key_id);
CREATE TRIGGER upload_keys_admit AFTER INSERT ON intake_vault.upload_keys
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION intake_vault.admit();

-- A row that belongs to a report cannot be given to another one, nor be deleted by intake.
ALTER TABLE intake_vault.uploads ENABLE ROW LEVEL SECURITY;
CREATE POLICY read_all ON intake_vault.uploads FOR SELECT TO ibalagh_intake, ibalagh_intake_custodian USING (true);
CREATE POLICY stage ON intake_vault.uploads FOR INSERT TO ibalagh_intake WITH CHECK (report_id IS NULL);
CREATE POLICY claim_once ON intake_vault.uploads FOR UPDATE TO ibalagh_intake USING (report_id IS NULL) WITH CHECK (true);
CREATE POLICY forget_staged ON intake_vault.uploads FOR DELETE TO ibalagh_intake USING (report_id IS NULL);

CREATE FUNCTION intake_vault.note_view(report uuid, place integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT intake_vault.note('(operator)', 'view', report, 'granted', 'attachment ' || place)
    WHERE EXISTS (SELECT FROM intake_vault.upload_keys k JOIN intake_vault.uploads u USING (upload_id)
                  WHERE u.report_id = report AND u.number = place AND k.view)
$$;
COMMENT ON FUNCTION intake_vault.note_view IS
    'The row of the audit for a look at a viewing copy, if there is one; no custodian can have a name in brackets';

CREATE FUNCTION intake_vault.viewable(audited bigint)
RETURNS TABLE (upload_id uuid, media_type text, view_bytes bigint, key_id text, wrapped_key bytea, share bytea)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.upload_id, u.media_type, u.view_bytes, k.key_id, k.wrapped_key, k.share
    FROM intake_vault.audit a
    JOIN intake_vault.uploads u ON u.report_id = a.report_id AND 'attachment ' || u.number = a.reason
    JOIN intake_vault.upload_keys k ON k.upload_id = u.upload_id AND k.view
    WHERE a.number = audited AND a.actor = '(operator)' AND a.action = 'view' AND a.outcome = 'granted'
      AND a.at > clock_timestamp() - interval '1 minute'
      AND a.xid IS DISTINCT FROM pg_current_xact_id_if_assigned()
$$;
COMMENT ON FUNCTION intake_vault.viewable IS
    'The key of the viewing copy that a row of the audit, committed less than a minute ago, says is looked at';

CREATE FUNCTION intake_vault.evidence_opened(audited bigint)
RETURNS TABLE (upload_id uuid, number smallint, sha256 bytea, media_type text, key_id text, wrapped_key bytea, share bytea)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.upload_id, u.number, u.sha256, u.media_type, k.key_id, k.wrapped_key, k.share
    FROM intake_vault.audit a
    JOIN intake_vault.uploads u ON u.report_id = a.report_id
    JOIN intake_vault.upload_keys k ON k.upload_id = u.upload_id AND NOT k.view
    WHERE a.number = audited AND a.action = 'evidence' AND a.outcome = 'granted'
      AND a.at > clock_timestamp() - interval '1 minute'
      AND a.xid IS DISTINCT FROM pg_current_xact_id_if_assigned()
    ORDER BY u.number
$$;
COMMENT ON FUNCTION intake_vault.evidence_opened IS
    'The keys of the originals of the report that a row of the audit, committed less than a minute ago, says are opened';

CREATE OR REPLACE FUNCTION intake_vault.record(who text, what text, report uuid, came_to text, why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF who = 'retention' OR who LIKE '(%' OR what = 'erase' AND came_to = 'done' THEN
        RAISE EXCEPTION 'this row is written by what it tells of' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN intake_vault.note(who, what, report, came_to, why);
END $$;

CREATE OR REPLACE FUNCTION intake_vault.drop_key(key text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('intake_vault.keys', 0));
    IF EXISTS (SELECT FROM intake_vault.vault v WHERE v.key_id = key)
       OR EXISTS (SELECT FROM intake_vault.upload_keys k WHERE k.key_id = key) THEN
        RETURN false;
    END IF;
    UPDATE intake_vault.keys k SET dropped_at = coalesce(dropped_at, clock_timestamp()) WHERE k.key_id = key;
    RETURN true;
END $$;

CREATE FUNCTION intake_vault.give_up_files(key text, who text, why text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    count bigint;
BEGIN
    IF who = 'retention' OR who LIKE '(%' THEN
        RAISE EXCEPTION 'a custodian gives files up by name' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM intake_vault.upload_keys k WHERE k.key_id = key;
    GET DIAGNOSTICS count = ROW_COUNT;
    IF count > 0 THEN
        PERFORM intake_vault.note(who, 'give_up_files', NULL, 'done', why);
    END IF;
    RETURN count;
END $$;
COMMENT ON FUNCTION intake_vault.give_up_files IS
    'Forget the data keys that a lost master key wraps, since nobody can unwrap them; how many. The rows of the files stay';

CREATE FUNCTION intake_vault.expire_files(days integer, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone  uuid;
    count bigint := 0;
BEGIN
    FOR gone IN
        DELETE FROM intake_vault.uploads u WHERE u.report_id IN (
            SELECT report_id FROM intake_vault.uploads
            WHERE report_id IS NOT NULL AND staged_at < now() - make_interval(days => days) LIMIT most)
        RETURNING u.report_id
    LOOP
        PERFORM intake_vault.note('retention', 'erase_file', gone, 'done', 'evidence is kept for ' || days || ' days');
        count := count + 1;
    END LOOP;
    RETURN count;
END $$;
COMMENT ON FUNCTION intake_vault.expire_files IS
    'Forget the files of reports whose evidence is older than so many days, with their keys, and say so in the audit';

REVOKE ALL ON FUNCTION intake_vault.expire_files, intake_vault.note_view, intake_vault.viewable, intake_vault.evidence_opened,
    intake_vault.give_up_files FROM PUBLIC;
GRANT SELECT, INSERT (upload_id, capability_hash, sha256, size_bytes, media_type, view_bytes, staged_at),
      UPDATE (report_id, number), DELETE ON intake_vault.uploads TO ibalagh_intake;
GRANT INSERT, SELECT (upload_id, view, key_id) ON intake_vault.upload_keys TO ibalagh_intake;
GRANT EXECUTE ON FUNCTION intake_vault.expire_files, intake_vault.note_view, intake_vault.viewable TO ibalagh_intake;
GRANT SELECT ON intake_vault.uploads TO ibalagh_intake_custodian;
GRANT SELECT (upload_id, view, key_id, wrapped_key), UPDATE (key_id, wrapped_key)
      ON intake_vault.upload_keys TO ibalagh_intake_custodian;
GRANT EXECUTE ON FUNCTION intake_vault.evidence_opened, intake_vault.give_up_files TO ibalagh_intake_custodian;

SET LOCAL ROLE ibalagh_intake;
