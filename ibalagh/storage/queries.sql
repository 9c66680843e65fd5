-- SQL of what every service keeps about the people who sign in to it.

-- name: note_person
-- Somebody signs in, with these roles; nothing for whom a command has shut out.
INSERT INTO people (pseudonym, roles, signed_in_at) VALUES (%(person)s, %(roles)s, %(now)s)
ON CONFLICT (pseudonym) DO UPDATE SET roles = excluded.roles, signed_in_at = excluded.signed_in_at
WHERE people.revoked_at IS NULL

-- name: forget_sessions
-- Delete sessions that ended by themselves.
DELETE FROM sessions WHERE ends_at <= %(now)s OR seen_at <= %(now)s - make_interval(secs => %(idle_s)s)

-- name: add_session
-- A new session.
INSERT INTO sessions (id_hash, person, name, roles, began_at, seen_at, ends_at, confirmed_at, next_check_at, sealed)
VALUES (%(id_hash)s, %(person)s, %(name)s, %(roles)s, %(now)s, %(now)s, %(ends_at)s, %(now)s, %(next_check_at)s, %(sealed)s)

-- name: find_session
-- The session of a cookie.
SELECT person, name, roles, seen_at, ends_at, next_check_at, confirmed_at, sealed
FROM sessions WHERE id_hash = %(id_hash)s

-- name: touch_session
-- Note a request of a session.
UPDATE sessions SET seen_at = greatest(seen_at, %(now)s) WHERE id_hash = %(id_hash)s

-- name: claim_check
-- Take it upon this request to ask the provider; nothing when another one has.
UPDATE sessions SET next_check_at = %(until)s WHERE id_hash = %(id_hash)s AND next_check_at <= %(now)s

-- name: confirm_session
-- What the provider said of the session's person.
UPDATE sessions SET roles = %(roles)s, confirmed_at = %(now)s, next_check_at = %(next_check_at)s, sealed = %(sealed)s
WHERE id_hash = %(id_hash)s

-- name: confirm_person
-- The roles of a person as the provider says them now.
UPDATE people SET roles = %(roles)s WHERE pseudonym = %(person)s

-- name: end_session
-- End one session; whose it was, and the tokens sealed in it.
DELETE FROM sessions WHERE id_hash = %(id_hash)s RETURNING person, sealed

-- name: end_sessions_of
-- End all sessions of a person.
DELETE FROM sessions WHERE person = %(person)s

-- name: shut_out
-- Let a person not sign in any more. The row's lock puts this before or after a sign-in, never beside it: either that finds
-- the person shut out, or its session is there to be ended.
UPDATE people SET revoked_at = coalesce(revoked_at, %(now)s) WHERE pseudonym = %(person)s

-- name: let_in
-- Let a person who was shut out sign in again.
UPDATE people SET revoked_at = NULL WHERE pseudonym = %(person)s AND revoked_at IS NOT NULL

-- name: list_people
-- Everybody, with the number of open sessions and the last request of any.
SELECT p.pseudonym, p.roles, p.signed_in_at, p.revoked_at, count(s.id_hash), max(s.seen_at)
FROM people p LEFT JOIN sessions s ON s.person = p.pseudonym AND s.ends_at > %(now)s
GROUP BY p.pseudonym ORDER BY p.signed_in_at DESC, p.pseudonym

-- name: audit_note
-- Append rows to the audit, one a subject.
SELECT access_note(%(person)s, %(action)s, %(kind)s, %(subjects)s, %(permission)s, %(detail)s)

-- name: audit_rows
-- The audit from a row on, in order.
SELECT number, at, person, login, action, kind, subject, permission, detail, previous, hash
FROM access_audit WHERE number > %(after)s ORDER BY number LIMIT %(limit)s

-- name: audit_newest
-- The newest rows of the audit before one, of a person or about a subject if these are given; the newest first.
SELECT number, at, person, login, action, kind, subject, permission, detail, previous, hash
FROM access_audit
WHERE number < %(before)s AND (%(person)s = '' OR person = %(person)s) AND (%(subject)s = '' OR subject = %(subject)s)
ORDER BY number DESC LIMIT %(limit)s

-- name: audit_head
-- The newest row of the audit.
SELECT number, hash FROM access_audit_head
