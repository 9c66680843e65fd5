-- The SQL of intake. Parameters are arrays of one length, one element a row, sorted so that workers never deadlock.

-- name: store_submissions
-- Store those reports whose idempotency key is new; their ids. A key that another worker is storing is waited for.
INSERT INTO submissions (report_id, accepted_at, receipt_hash, key_hash, body_hash, record_sha256)
SELECT * FROM unnest(%(report_ids)s::uuid[], %(times)s::timestamptz[], %(receipts)s::bytea[],
                     %(keys)s::bytea[], %(bodies)s::bytea[], %(records)s::bytea[])
ON CONFLICT (key_hash) WHERE key_hash IS NOT NULL DO NOTHING
RETURNING report_id::text

-- name: find_by_key
-- What is stored under idempotency keys, where the log holds it, and whether its publication is still open.
SELECT s.key_hash, s.report_id::text, s.body_hash, s.accepted_at, s.record_sha256,
       l.topic, l.partition, l.log_offset, p.report_id IS NOT NULL
FROM submissions s LEFT JOIN log_positions l USING (report_id) LEFT JOIN pending p USING (report_id)
WHERE s.key_hash = ANY(%(keys)s::bytea[])

-- name: note_published
-- Remember where the log holds reports that the broker acknowledged. They are not pending any more; those that a
-- reconciler holds it settles itself.
WITH settled AS (
    DELETE FROM pending WHERE report_id IN (
        SELECT report_id FROM pending WHERE report_id = ANY(%(report_ids)s::uuid[]) FOR UPDATE SKIP LOCKED))
INSERT INTO log_positions (report_id, topic, partition, log_offset)
SELECT * FROM unnest(%(report_ids)s::uuid[], %(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[])
ON CONFLICT (report_id) DO NOTHING

-- name: note_positions
-- Remember how far the log has come, one row a minute and partition, labelled with the end of the minute.
INSERT INTO published_positions (topic, partition, before, next_offset)
SELECT topic, partition, date_trunc('minute', now()) + interval '1 minute', next_offset
FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(offsets)s::bigint[]) AS noted (topic, partition, next_offset)
ON CONFLICT (topic, partition, before) DO UPDATE SET next_offset = excluded.next_offset
WHERE published_positions.next_offset < excluded.next_offset

-- name: forget_positions
-- Drop what was noted more than a day ago and is not the newest of its partition.
DELETE FROM published_positions old WHERE before < now() - interval '1 day' AND EXISTS (
    SELECT FROM published_positions new
    WHERE new.topic = old.topic AND new.partition = old.partition AND new.before > old.before)

-- name: claim_pending
-- Reports that have been pending for longer than a publication lasts, locked: one reconciler has each.
SELECT report_id::text, accepted_at, value, stored_at, event_type FROM pending
WHERE stored_at < now() - make_interval(secs => %(age_s)s)
  AND (stored_at, report_id) > (coalesce(%(after_time)s::timestamptz, '-infinity'), %(after_id)s::uuid)
ORDER BY stored_at, report_id LIMIT %(limit)s
FOR UPDATE SKIP LOCKED

-- name: count_pending
-- How many reports are pending, how many of them for longer than a publication lasts, and since when the oldest is.
SELECT count(*), count(*) FILTER (WHERE stored_at < now() - make_interval(secs => %(age_s)s)), min(stored_at)
FROM pending

-- name: positions_before
-- How far the log had come at a time, per partition: what was stored later lies there or after.
SELECT topic, partition, max(next_offset) FROM published_positions
WHERE before <= %(time)s GROUP BY topic, partition

-- name: known_statuses
-- Which of these reports have a status already, locked until the transaction ends.
SELECT report_id::text FROM report_status WHERE report_id = ANY(%(ids)s::uuid[])
ORDER BY report_id FOR NO KEY UPDATE

-- name: update_triaged
-- Set what triage made of reports that have a row; an older version never replaces a newer one.
UPDATE report_status
SET triage_version = said.version, triage_status = said.status, triaged_at = said.at
FROM unnest(%(ids)s::uuid[], %(versions)s::int[], %(statuses)s::text[], %(times)s::timestamptz[])
    AS said (report_id, version, status, at)
WHERE report_status.report_id = said.report_id
  AND (report_status.triage_version IS NULL OR report_status.triage_version < said.version)

-- name: update_linked
-- Set the cases that reports with a row are in; null when they left.
UPDATE report_status
SET case_id = said.case_id, linked_at = said.at
FROM unnest(%(ids)s::uuid[], %(cases)s::uuid[], %(times)s::timestamptz[]) AS said (report_id, case_id, at)
WHERE report_status.report_id = said.report_id
  AND (report_status.linked_at IS NULL OR report_status.linked_at <= said.at)

-- name: save_cases
-- Set where cases stand; an older version never replaces a newer one.
INSERT INTO case_status (case_id, version, status, updated_at)
SELECT * FROM unnest(%(ids)s::uuid[], %(versions)s::int[], %(statuses)s::text[], %(times)s::timestamptz[])
ON CONFLICT (case_id) DO UPDATE SET version = excluded.version, status = excluded.status,
    updated_at = excluded.updated_at
WHERE case_status.version < excluded.version

-- name: save_merged_cases
-- Set into which cases others are merged; an older version never replaces a newer one.
INSERT INTO merged_cases (case_id, version, merged_into)
SELECT * FROM unnest(%(ids)s::uuid[], %(versions)s::int[], %(into)s::uuid[])
ON CONFLICT (case_id) DO UPDATE SET version = excluded.version, merged_into = excluded.merged_into
WHERE merged_cases.version < excluded.version

-- name: status_of
-- The status of the report whose receipt has this hash: its case's, or that of the case that this is merged into, else
-- triage's, else that it was received.
SELECT CASE WHEN r.case_id IS NOT NULL THEN coalesce(c.status, 'referred')
            ELSE coalesce(r.triage_status, 'received') END,
       CASE WHEN r.case_id IS NOT NULL THEN greatest(c.updated_at, r.linked_at)
            ELSE coalesce(greatest(r.triaged_at, r.linked_at), s.accepted_at) END
FROM submissions s
LEFT JOIN report_status r USING (report_id)
LEFT JOIN LATERAL (
    WITH RECURSIVE up (case_id, steps) AS (
        SELECT r.case_id, 0
        UNION ALL SELECT m.merged_into, up.steps + 1 FROM up JOIN merged_cases m ON m.case_id = up.case_id
        WHERE m.merged_into IS NOT NULL AND up.steps < 100
    )
    SELECT case_id FROM up ORDER BY steps DESC LIMIT 1
) AS standing ON true
LEFT JOIN case_status c ON c.case_id = standing.case_id
WHERE s.receipt_hash = %(receipt_hash)s

-- name: find_api_key
-- A key and whose it is.
SELECT k.key_id, k.secret_hash, k.ends_at, r.name, r.scopes, r.daily_quota, r.rate_per_s
FROM api_keys k JOIN reporters r ON r.name = k.reporter
WHERE k.key_id = %(key_id)s

-- name: list_api_keys
-- All keys with their reporters and what these sent on a day, the newest key of a reporter first.
SELECT k.key_id, k.secret_hash, k.ends_at, r.name, r.scopes, r.daily_quota, r.rate_per_s, k.created_at,
       coalesce(u.reports, 0)
FROM reporters r JOIN api_keys k ON k.reporter = r.name
LEFT JOIN reporter_usage u ON u.reporter = r.name AND u.day = %(day)s
ORDER BY r.name, k.created_at DESC, k.key_id

-- name: lock_reporter
-- Make one administrator wait for another one.
SELECT pg_advisory_xact_lock(hashtext('intake.reporter.' || %(name)s))

-- name: save_reporter
-- A new reporter, or one that comes back with other limits.
INSERT INTO reporters (name, scopes, daily_quota, rate_per_s)
VALUES (%(name)s, %(scopes)s::text[], %(daily_quota)s, %(rate_per_s)s)
ON CONFLICT (name) DO UPDATE SET scopes = excluded.scopes, daily_quota = excluded.daily_quota,
    rate_per_s = excluded.rate_per_s

-- name: add_api_key
-- A new key of a reporter, valid until further notice.
INSERT INTO api_keys (key_id, reporter, secret_hash, created_at)
VALUES (%(key_id)s, %(name)s, %(secret_hash)s, %(now)s)

-- name: valid_api_keys
-- The keys of a reporter that have not ended.
SELECT key_id, ends_at FROM api_keys
WHERE reporter = %(name)s AND (ends_at IS NULL OR ends_at > %(now)s) ORDER BY created_at

-- name: end_api_keys
-- Let keys end at a time, unless they end before.
UPDATE api_keys SET ends_at = %(at)s
WHERE key_id = ANY(%(key_ids)s::text[]) AND (ends_at IS NULL OR ends_at > %(at)s)

-- name: lock_usage
-- Lock a reporter's count of a day; how many of the reports that are wanted the quota still has.
WITH before AS (
    INSERT INTO reporter_usage AS u (reporter, day, reports) VALUES (%(name)s, %(day)s, 0)
    ON CONFLICT (reporter, day) DO UPDATE SET reports = u.reports
    RETURNING reports
)
SELECT least(%(wanted)s, greatest(%(quota)s - reports, 0)) FROM before

-- name: count_reports
-- Add to what a reporter sent on a day; what was counted and not stored is taken off again.
UPDATE reporter_usage SET reports = reports + %(reports)s WHERE reporter = %(name)s AND day = %(day)s

-- name: stored_among
-- How many of these reports were stored.
SELECT count(*) FROM submissions WHERE report_id = ANY(%(report_ids)s::uuid[])

-- name: known_keys
-- Which of these idempotency keys were used before.
SELECT key_hash FROM submissions WHERE key_hash = ANY(%(keys)s::bytea[])

-- name: vault_known_keys
-- The keys that are in use, by purpose and id, with what they are recognised by.
SELECT purpose, key_id, check_value FROM intake_vault.keys WHERE dropped_at IS NULL

-- name: vault_seals
-- Whether any identity or file is sealed with this master key.
SELECT EXISTS (SELECT FROM intake_vault.vault WHERE key_id = %(key_id)s)
    OR EXISTS (SELECT FROM intake_vault.upload_keys WHERE key_id = %(key_id)s)

-- name: any_submission
-- Whether any receipt was given out.
SELECT EXISTS (SELECT FROM submissions)

-- name: vault_note_key
-- Remember a key that is in use; one that is known keeps what it is recognised by.
INSERT INTO intake_vault.keys (key_id, purpose, check_value) VALUES (%(key_id)s, %(purpose)s, %(check_value)s)
ON CONFLICT (key_id) DO UPDATE SET check_value = excluded.check_value WHERE keys.check_value IS NULL

-- name: vault_replace_check
-- Recognise a key by something else from now on.
UPDATE intake_vault.keys SET check_value = %(check_value)s WHERE key_id = %(key_id)s

-- name: vault_record
-- Append what a custodian does to the audit; the row's number.
SELECT intake_vault.record(%(actor)s, %(action)s, %(report_id)s, %(outcome)s, %(reason)s)

-- name: vault_state
-- When the identity of a report was sealed and erased; no row when it never had one.
SELECT sealed_at, erased_at FROM intake_vault.vault WHERE report_id = %(report_id)s

-- name: vault_opened
-- The sealed identity whose opening a committed row of the audit tells of.
SELECT nonce, ciphertext, wrapped_key, key_id FROM intake_vault.opened(%(number)s)

-- name: vault_erase
-- Erase identities and say so in the audit; how many there were to erase.
SELECT intake_vault.erase(%(report_ids)s::uuid[], %(actor)s, %(reason)s)

-- name: vault_custodian
-- The hash of a custodian's secret.
SELECT secret_hash FROM intake_vault.custodians WHERE name = %(name)s AND removed_at IS NULL

-- name: vault_any_custodian
-- Whether there is a custodian.
SELECT EXISTS (SELECT FROM intake_vault.custodians WHERE removed_at IS NULL)

-- name: vault_add_custodian
-- Add a custodian; nothing when the name was ever given before.
INSERT INTO intake_vault.custodians (name, secret_hash) VALUES (%(name)s, %(secret_hash)s) ON CONFLICT DO NOTHING

-- name: vault_remove_custodian
-- A custodian is one no more; the name is not given again.
UPDATE intake_vault.custodians SET removed_at = now() WHERE name = %(name)s AND removed_at IS NULL

-- name: vault_audit
-- The audit from a row on, in order.
SELECT number, at, actor, login, action, report_id::text, outcome, reason, previous, hash
FROM intake_vault.audit WHERE number > %(after)s ORDER BY number LIMIT %(limit)s

-- name: vault_audit_head
-- The newest row of the audit.
SELECT number, hash FROM intake_vault.audit_head

-- name: vault_key_counts
-- Master keys that are known, what each still seals, and when it was met first and dropped.
SELECT k.key_id, coalesce(v.count, 0), k.first_seen_at, k.dropped_at
FROM intake_vault.keys k
LEFT JOIN (SELECT key_id, count(*) AS count
           FROM (SELECT key_id FROM intake_vault.vault WHERE key_id IS NOT NULL
                 UNION ALL SELECT key_id FROM intake_vault.upload_keys) sealed GROUP BY key_id) v
    USING (key_id)
WHERE k.purpose = 'master' ORDER BY k.first_seen_at, k.key_id

-- name: vault_count_older
-- How many identities and files other master keys than this one seal.
SELECT (SELECT count(*) FROM intake_vault.vault WHERE key_id <> %(current)s)
     + (SELECT count(*) FROM intake_vault.upload_keys WHERE key_id <> %(current)s)

-- name: vault_claim_older
-- Identities sealed with other master keys than the current one, locked.
SELECT report_id::text, key_id, wrapped_key FROM intake_vault.vault
WHERE key_id <> %(current)s AND report_id > %(after)s ORDER BY report_id LIMIT %(limit)s FOR UPDATE

-- name: vault_rewrap
-- Put data keys under another master key.
UPDATE intake_vault.vault SET key_id = %(key_id)s, wrapped_key = again.wrapped_key
FROM unnest(%(report_ids)s::uuid[], %(wrapped_keys)s::bytea[]) AS again (report_id, wrapped_key)
WHERE vault.report_id = again.report_id

-- name: vault_drop_key
-- Let nothing be sealed with a master key any more; false when something is.
SELECT intake_vault.drop_key(%(key_id)s)

-- name: vault_sealed_with
-- Some of the identities that a master key seals.
SELECT report_id::text FROM intake_vault.vault WHERE key_id = %(key_id)s LIMIT %(limit)s

-- name: vault_due
-- Identities whose time is over: sealed before the limit of their category, or before that of the unnamed ones.
SELECT v.report_id::text, coalesce(c.category, '')
FROM intake_vault.vault v
LEFT JOIN identity_categories c USING (report_id)
LEFT JOIN unnest(%(categories)s::text[], %(limits)s::timestamptz[]) AS own (category, before) USING (category)
WHERE v.erased_at IS NULL AND v.sealed_at < %(newest)s
  AND v.sealed_at < coalesce(own.before, %(other)s)
ORDER BY v.report_id LIMIT %(limit)s

-- name: vault_expire
-- Erase identities whose time is over and say so in the audit; how many there were to erase.
SELECT intake_vault.expire(%(report_ids)s::uuid[], %(reason)s)

-- name: forget_categories
-- Forget what erased identities' reports were about.
DELETE FROM identity_categories WHERE report_id = ANY (%(report_ids)s::uuid[])

-- name: save_categories
-- Set what reports are about; an older version never replaces a newer one.
INSERT INTO identity_categories (report_id, version, category)
SELECT * FROM unnest(%(report_ids)s::uuid[], %(versions)s::int[], %(categories)s::text[])
ON CONFLICT (report_id) DO UPDATE SET version = excluded.version, category = excluded.category
WHERE identity_categories.version < excluded.version

-- name: stage_upload
-- A file whose blobs are durable and that no report has yet.
INSERT INTO intake_vault.uploads (upload_id, capability_hash, sha256, size_bytes, media_type, view_bytes)
VALUES (%(upload_id)s, %(capability_hash)s, %(sha256)s, %(size_bytes)s, %(media_type)s, %(view_bytes)s)

-- name: stage_keys
-- The keys of its blobs.
INSERT INTO intake_vault.upload_keys (upload_id, view, key_id, wrapped_key, share)
SELECT %(upload_id)s::uuid, * FROM unnest(%(views)s::boolean[], %(key_ids)s::text[], %(wrapped_keys)s::bytea[],
                                          %(shares)s::bytea[])

-- name: staged_bytes
-- What the files weigh that no report has; many small ones fill the tables rather than the disk.
SELECT coalesce(sum(greatest(size_bytes + coalesce(view_bytes, 0), 65536)), 0)::bigint
FROM intake_vault.uploads WHERE report_id IS NULL

-- name: find_uploads
-- Files by the hashes of their ids, but for those that no report came for in time.
SELECT capability_hash, sha256, size_bytes, media_type FROM intake_vault.uploads
WHERE capability_hash = ANY(%(hashes)s::bytea[])
  AND (report_id IS NOT NULL OR staged_at > now() - make_interval(secs => %(lifetime_s)s))

-- name: lock_uploads
-- Those of these files that no report has, locked.
SELECT capability_hash FROM intake_vault.uploads
WHERE capability_hash = ANY(%(hashes)s::bytea[]) AND report_id IS NULL
ORDER BY capability_hash FOR UPDATE

-- name: claim_uploads
-- Give free files to reports.
UPDATE intake_vault.uploads SET report_id = wish.report_id, number = wish.number
FROM unnest(%(hashes)s::bytea[], %(report_ids)s::uuid[], %(numbers)s::smallint[]) AS wish (hash, report_id, number)
WHERE uploads.capability_hash = wish.hash AND uploads.report_id IS NULL

-- name: next_number
-- The number of a report's next file.
SELECT coalesce(max(number), 0) + 1 FROM intake_vault.uploads WHERE report_id = %(report_id)s

-- name: files_of_report
-- The files of a report, in order.
SELECT number, sha256, size_bytes, media_type, view_bytes FROM intake_vault.uploads
WHERE report_id = %(report_id)s ORDER BY number

-- name: note_view
-- Write a look at a viewing copy into the audit; null when there is none.
SELECT intake_vault.note_view(%(report_id)s, %(number)s)

-- name: viewable
-- The viewing copy that a committed row of the audit tells of.
SELECT upload_id::text, media_type, view_bytes, key_id, wrapped_key, share FROM intake_vault.viewable(%(audited)s)

-- name: evidence_opened
-- The originals whose opening a committed row of the audit tells of.
SELECT upload_id::text, number, sha256, media_type, key_id, wrapped_key, share
FROM intake_vault.evidence_opened(%(audited)s)

-- name: forget_staged
-- Delete files that no report came for in time; one that is being claimed is waited for, and then stays.
DELETE FROM intake_vault.uploads WHERE report_id IS NULL AND upload_id IN (
    SELECT upload_id FROM intake_vault.uploads
    WHERE report_id IS NULL AND staged_at < now() - make_interval(secs => %(lifetime_s)s)
    ORDER BY capability_hash LIMIT %(limit)s FOR UPDATE)
RETURNING upload_id::text

-- name: expire_files
-- Delete the files of reports whose evidence was kept long enough, and say so in the audit; how many.
SELECT intake_vault.expire_files(%(days)s, %(limit)s)

-- name: known_uploads
-- Which of these files have a row.
SELECT upload_id::text FROM intake_vault.uploads WHERE upload_id = ANY(%(upload_ids)s::uuid[])

-- name: files_claim_older
-- Keys of files that other master keys than the current one wrap, locked.
SELECT upload_id::text, view, key_id, wrapped_key FROM intake_vault.upload_keys
WHERE key_id <> %(current)s ORDER BY upload_id, view LIMIT %(limit)s FOR UPDATE

-- name: files_rewrap
-- Put keys of files under another master key.
UPDATE intake_vault.upload_keys SET key_id = %(key_id)s, wrapped_key = again.wrapped_key
FROM unnest(%(upload_ids)s::uuid[], %(views)s::boolean[], %(wrapped_keys)s::bytea[])
    AS again (upload_id, view, wrapped_key)
WHERE upload_keys.upload_id = again.upload_id AND upload_keys.view = again.view

-- name: files_give_up
-- Forget the keys of files that a lost master key wraps, and say so in the audit; how many.
SELECT intake_vault.give_up_files(%(key_id)s, %(actor)s, %(reason)s)

-- name: amended_report
-- The report whose receipt has this hash. What its reporter says comes one after the other, so that it can be counted.
SELECT report_id::text FROM submissions WHERE receipt_hash = %(receipt_hash)s FOR NO KEY UPDATE

-- name: store_amendment
-- Store what a reporter says, unless it was stored before, there was too much of it lately, or its files cannot be had.
INSERT INTO amendments (amendment_id, report_id, kind, amended_at, key_hash, body_hash)
SELECT %(amendment_id)s::uuid, report_id, %(kind)s, %(at)s::timestamptz, %(key_hash)s::bytea, %(body_hash)s::bytea
FROM submissions
WHERE report_id = %(report_id)s::uuid AND %(files)s
  AND (%(kind)s = 'withdrawal'
       OR (SELECT count(*) FROM amendments
           WHERE report_id = %(report_id)s::uuid AND kind <> 'withdrawal' AND amended_at > %(since)s) < %(most)s)
ON CONFLICT DO NOTHING

-- name: amendment_pending
-- What was stored by the statement before is to be published.
INSERT INTO pending (report_id, accepted_at, value, event_type)
SELECT amendment_id, amended_at, %(value)s, %(event_type)s FROM amendments WHERE amendment_id = %(amendment_id)s::uuid

-- name: vault_withdraw
-- Erase identities, as their owners want, and say so in the audit.
SELECT intake_vault.withdraw(%(report_ids)s::uuid[])

-- name: find_amendment
-- The amendment that is stored: this one, the one with its key, or the report's withdrawal; and whether its publication
-- is still open.
SELECT a.amendment_id::text, a.kind, a.amended_at, a.body_hash, p.report_id IS NOT NULL
FROM amendments a LEFT JOIN pending p ON p.report_id = a.amendment_id
WHERE a.amendment_id = %(amendment_id)s::uuid OR a.key_hash = %(key_hash)s::bytea
   OR (a.report_id = %(report_id)s::uuid AND a.kind = 'withdrawal' AND %(kind)s = 'withdrawal')

-- name: amendments_of
-- What the reporter with this receipt said after the report: that it was said, and when. Of very many the newest, and a
-- withdrawal in any case.
SELECT a.kind, a.amended_at FROM amendments a JOIN submissions s USING (report_id)
WHERE s.receipt_hash = %(receipt_hash)s ORDER BY a.kind = 'withdrawal' DESC, a.amended_at DESC LIMIT %(limit)s

-- name: messages_of
-- What analysts wrote to the reporter with this receipt.
SELECT m.message_id::text, m.sent_at, m.text FROM messages m JOIN submissions s USING (report_id)
WHERE s.receipt_hash = %(receipt_hash)s ORDER BY m.sent_at DESC, m.message_id LIMIT %(limit)s

-- name: save_message
-- Keep a message for whoever asks with the report's receipt.
INSERT INTO messages (message_id, report_id, sent_at, text)
VALUES (%(message_id)s, %(report_id)s, %(sent_at)s, %(text)s) ON CONFLICT DO NOTHING
