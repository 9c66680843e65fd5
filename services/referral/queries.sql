-- The SQL of referral. Arrays of one statement have equal lengths; sets are read and written whole, in key order.

-- name: memberships
-- What is known of these reports.
SELECT report_id, case_id, version, joined_version, category, received_on, joined_at, keys
FROM case_reports
WHERE report_id = ANY(%(report_ids)s::uuid[])

-- name: owners
-- Which case owns each of these indicator keys, as far as one does.
SELECT key, case_id
FROM indicators
WHERE key = ANY(%(keys)s::uuid[])

-- name: lock_cases
-- These cases as they stand, locked until the transaction ends, in key order so that two workers never deadlock.
SELECT case_id, number, version, state, category, province, urgency, service, prosecutor, competence_table,
       competence_rule, received_on, opened_at, tally, result, clock, clock_started_at, clock_warns_at,
       clock_due_at, clock_level, clock_strikes_at, merged_into, merged_before, split_from, opened_as, closing
FROM cases
WHERE case_id = ANY(%(case_ids)s::uuid[])
ORDER BY case_id
FOR NO KEY UPDATE

-- name: suspects
-- The suspects of these cases.
SELECT case_id, suspect_ref, state
FROM suspects
WHERE case_id = ANY(%(case_ids)s::uuid[])
ORDER BY case_id, suspect_ref

-- name: move_indicators
-- Hand keys of closed cases on to the cases that follow them; the closed cases' locks are held.
UPDATE indicators
SET case_id = moved.case_id
FROM unnest(%(keys)s::uuid[], %(case_ids)s::uuid[], %(previous)s::uuid[]) AS moved (key, case_id, previous)
WHERE indicators.key = moved.key AND indicators.case_id = moved.previous

-- name: update_cases
-- Write what a batch changed in cases that are locked.
UPDATE cases
SET version = changed.version, state = changed.state, category = changed.category, urgency = changed.urgency,
    service = changed.service, prosecutor = changed.prosecutor, competence_table = changed.competence_table,
    competence_rule = changed.competence_rule, received_on = changed.received_on, tally = changed.tally,
    result = changed.result, clock = changed.clock, clock_started_at = changed.clock_started_at,
    clock_warns_at = changed.clock_warns_at, clock_due_at = changed.clock_due_at, clock_level = changed.clock_level,
    clock_strikes_at = changed.clock_strikes_at
FROM unnest(
    %(case_ids)s::uuid[], %(versions)s::integer[], %(states)s::text[], %(categories)s::text[],
    %(urgencies)s::smallint[], %(services)s::text[], %(prosecutors)s::text[], %(tables)s::text[], %(rules)s::text[],
    %(received_on)s::date[], %(tallies)s::json[], %(results)s::text[], %(clocks)s::text[],
    %(clocks_started)s::timestamptz[], %(clocks_warn)s::timestamptz[], %(clocks_due)s::timestamptz[],
    %(clock_levels)s::smallint[], %(clocks_strike)s::timestamptz[]
) AS changed (case_id, version, state, category, urgency, service, prosecutor, competence_table, competence_rule,
              received_on, tally, result, clock, clock_started_at, clock_warns_at, clock_due_at, clock_level,
              clock_strikes_at)
WHERE cases.case_id = changed.case_id

-- name: update_memberships
-- Write what a batch changed for reports that were known before.
UPDATE case_reports
SET case_id = changed.case_id, version = changed.version, joined_version = changed.joined_version,
    category = changed.category, received_on = changed.received_on, joined_at = changed.joined_at,
    keys = changed.keys::uuid[]
FROM unnest(
    %(report_ids)s::uuid[], %(case_ids)s::uuid[], %(versions)s::integer[], %(joined_versions)s::integer[],
    %(categories)s::text[], %(received_on)s::date[], %(joined_at)s::timestamptz[], %(keys)s::text[]
) AS changed (report_id, case_id, version, joined_version, category, received_on, joined_at, keys)
WHERE case_reports.report_id = changed.report_id

-- name: upsert_suspects
-- Write suspects' states; one row per suspect.
INSERT INTO suspects (case_id, suspect_ref, state)
SELECT * FROM unnest(%(case_ids)s::uuid[], %(references)s::text[], %(states)s::text[])
ON CONFLICT (case_id, suspect_ref) DO UPDATE SET state = excluded.state

-- name: case_page
-- A page of cases, the latest first, of a service or in a state where one is given.
SELECT case_id, number, version, state, category, province, urgency, service, prosecutor, competence_table,
       competence_rule, received_on, opened_at, tally, result, clock, clock_started_at, clock_warns_at,
       clock_due_at, clock_level, clock_strikes_at, merged_into, merged_before, split_from, opened_as, closing
FROM cases
WHERE merged_into IS NULL
  AND (%(after)s::bigint IS NULL OR number < %(after)s)
  AND (%(service)s::text IS NULL OR service = %(service)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY number DESC
LIMIT %(limit)s

-- name: case_by_id
-- One case as it stands.
SELECT case_id, number, version, state, category, province, urgency, service, prosecutor, competence_table,
       competence_rule, received_on, opened_at, tally, result, clock, clock_started_at, clock_warns_at,
       clock_due_at, clock_level, clock_strikes_at, merged_into, merged_before, split_from, opened_as, closing
FROM cases
WHERE case_id = %(case_id)s::uuid

-- name: reports_of_case
-- The reports in a case, in the order in which they came in.
SELECT report_id, case_id, version, joined_version, category, received_on, joined_at, keys
FROM case_reports
WHERE case_id = %(case_id)s::uuid
ORDER BY joined_version
LIMIT %(limit)s

-- name: history_of_case
-- The kept history of a case, in order.
SELECT case_id, version, type, occurred_at, actor, detail
FROM case_history
WHERE case_id = %(case_id)s::uuid
ORDER BY version

-- name: claim_strikes
-- Clocks that must be looked at, each for this timer alone until `again`: whoever asks meanwhile gets others, and what a
-- timer took and did not publish comes again then. The rows that a worker holds are left for the next time.
UPDATE cases
SET clock_strikes_at = %(again)s
FROM (
    SELECT case_id FROM cases WHERE clock_strikes_at <= %(now)s
    ORDER BY clock_strikes_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
) AS due
WHERE cases.case_id = due.case_id
RETURNING cases.case_id, cases.clock, cases.clock_started_at, cases.clock_level

-- name: clock_counts
-- How many clocks run, by what they wait for and how far they have come.
SELECT clock, clock_level, count(*) FROM cases WHERE clock_due_at IS NOT NULL AND merged_into IS NULL GROUP BY clock, clock_level

-- name: limit_to_scope
-- From here to the end of the transaction, the rows of one service or prosecutor's office alone.
SELECT set_config('ibalagh.service', %(service)s, true), set_config('ibalagh.prosecutor', %(prosecutor)s, true),
       set_config('role', %(role)s, true)

-- name: posting_of
-- Where a person works.
SELECT service, prosecutor FROM postings WHERE person = %(person)s

-- name: postings
-- Where everybody works.
SELECT person, service, prosecutor, since FROM postings ORDER BY person

-- name: save_posting
-- A person works there from now on.
INSERT INTO postings (person, service, prosecutor, since)
VALUES (%(person)s, %(service)s, %(prosecutor)s, %(since)s)
ON CONFLICT (person) DO UPDATE
SET service = excluded.service, prosecutor = excluded.prosecutor, since = excluded.since

-- name: remove_posting
-- A person works nowhere any more.
DELETE FROM postings WHERE person = %(person)s

-- name: service_of_key
-- The service whose key this is, while it holds.
SELECT service FROM service_keys WHERE key_hash = %(key_hash)s AND ended_at IS NULL

-- name: save_service_key
-- A key of a service.
INSERT INTO service_keys (key_hash, service, made_at) VALUES (%(key_hash)s, %(service)s, %(now)s)

-- name: end_service_keys
-- No key of a service holds any more.
UPDATE service_keys SET ended_at = %(now)s WHERE service = %(service)s AND ended_at IS NULL

-- name: inbox
-- Cases with a clock, the nearest deadline first, after a place in that order.
SELECT case_id, number, version, state, category, province, urgency, service, prosecutor, competence_table,
       competence_rule, received_on, opened_at, tally, result, clock, clock_started_at, clock_warns_at,
       clock_due_at, clock_level, clock_strikes_at, merged_into, merged_before, split_from, opened_as, closing
FROM cases
WHERE clock_due_at IS NOT NULL AND merged_into IS NULL
  AND (%(service)s::text IS NULL OR service = %(service)s)
  AND (%(due_at)s::timestamptz IS NULL OR (clock_due_at, number) > (%(due_at)s, %(after)s))
ORDER BY clock_due_at, number
LIMIT %(limit)s

-- name: search
-- Cases with a number or an id, with a report, with an indicator, or of a place; the latest first.
WITH found AS (
    SELECT case_id FROM cases WHERE number = %(number)s
    UNION SELECT case_id FROM cases WHERE case_id = ANY(%(ids)s::uuid[])
    UNION SELECT case_id FROM case_reports WHERE report_id = ANY(%(ids)s::uuid[])
    UNION SELECT case_id FROM indicators WHERE key = ANY(%(keys)s::uuid[])
    UNION (SELECT case_id FROM cases WHERE province = ANY(%(places)s) ORDER BY number DESC LIMIT %(limit)s)
)
SELECT case_id, number, version, state, category, province, urgency, service, prosecutor, competence_table,
       competence_rule, received_on, opened_at, tally, result, clock, clock_started_at, clock_warns_at,
       clock_due_at, clock_level, clock_strikes_at, merged_into, merged_before, split_from, opened_as, closing
FROM cases
JOIN found USING (case_id)
ORDER BY number DESC
LIMIT %(limit)s

-- name: visible_cases
-- Which of these cases there are, for whoever asks.
SELECT case_id FROM cases WHERE case_id = ANY(%(case_ids)s::uuid[])

-- name: families
-- These cases, all that they are merged into, and all that is merged into any of those.
WITH RECURSIVE up (case_id, merged_into) AS (
    SELECT case_id, merged_into FROM cases WHERE case_id = ANY(%(case_ids)s::uuid[])
    UNION SELECT cases.case_id, cases.merged_into FROM cases JOIN up ON cases.case_id = up.merged_into
), family (case_id) AS (
    SELECT case_id FROM up
    UNION SELECT cases.case_id FROM cases JOIN family ON cases.merged_into = family.case_id
)
SELECT case_id FROM family

-- name: merged_into_case
-- What is merged into a case, also by way of others, the oldest first.
WITH RECURSIVE family (case_id) AS (
    SELECT case_id FROM cases WHERE merged_into = %(case_id)s::uuid
    UNION SELECT cases.case_id FROM cases JOIN family ON cases.merged_into = family.case_id
)
SELECT case_id, number, version, state, category, province, urgency, service, prosecutor, competence_table,
       competence_rule, received_on, opened_at, tally, result, clock, clock_started_at, clock_warns_at,
       clock_due_at, clock_level, clock_strikes_at, merged_into, merged_before, split_from, opened_as, closing
FROM cases
JOIN family USING (case_id)
ORDER BY number

-- name: split_off_case
-- What was split off a case and stands, the oldest first.
SELECT case_id, number, version, state, category, province, urgency, service, prosecutor, competence_table,
       competence_rule, received_on, opened_at, tally, result, clock, clock_started_at, clock_warns_at,
       clock_due_at, clock_level, clock_strikes_at, merged_into, merged_before, split_from, opened_as, closing
FROM cases
WHERE split_from = %(case_id)s::uuid AND merged_into IS NULL
ORDER BY number

-- name: standing_case
-- The case that is meant where this one is named: itself, or the one that it is merged into in the end.
WITH RECURSIVE up (case_id, merged_into) AS (
    SELECT case_id, merged_into FROM cases WHERE case_id = %(case_id)s::uuid
    UNION SELECT cases.case_id, cases.merged_into FROM cases JOIN up ON cases.case_id = up.merged_into
)
SELECT case_id FROM up WHERE merged_into IS NULL

-- name: case_of_number
-- The case with a number.
SELECT case_id FROM cases WHERE number = %(number)s

-- name: staying_keys
-- Which of these keys reports of these cases carry that are none of the given ones.
SELECT DISTINCT key
FROM case_reports
CROSS JOIN LATERAL unnest(keys) AS carried (key)
WHERE case_id = ANY(%(case_ids)s::uuid[]) AND keys && %(keys)s::uuid[]
  AND report_id <> ALL(%(report_ids)s::uuid[])

-- name: mark_cases
-- Write what hardly any change of a case concerns.
UPDATE cases
SET merged_into = changed.merged_into, merged_before = changed.merged_before, split_from = changed.split_from,
    opened_as = changed.opened_as, closing = changed.closing
FROM unnest(
    %(case_ids)s::uuid[], %(merged_into)s::uuid[], %(merged_before)s::json[], %(split_from)s::uuid[],
    %(opened_as)s::text[], %(closings)s::json[]
) AS changed (case_id, merged_into, merged_before, split_from, opened_as, closing)
WHERE cases.case_id = changed.case_id

-- name: merge_proposals
-- Who proposed to merge these cases.
SELECT case_id, other_case_id, proposed_by FROM merge_proposals WHERE case_id = ANY(%(case_ids)s::uuid[])

-- name: save_merge_proposals
-- Remember who proposed a merge; the latest holds.
INSERT INTO merge_proposals (case_id, other_case_id, proposed_by, proposed_at)
SELECT each.case_id, each.other_case_id, each.proposed_by, now()
FROM unnest(%(case_ids)s::uuid[], %(others)s::uuid[], %(actors)s::text[]) AS each (case_id, other_case_id, proposed_by)
ON CONFLICT (case_id, other_case_id) DO UPDATE SET proposed_by = excluded.proposed_by, proposed_at = excluded.proposed_at

-- name: end_merge_proposals
-- Proposals about cases that were regrouped are done with.
DELETE FROM merge_proposals WHERE case_id = ANY(%(case_ids)s::uuid[]) OR other_case_id = ANY(%(case_ids)s::uuid[])

-- name: proposals_of_case
-- The merges that wait for a second person, into a case or of it.
SELECT case_id, other_case_id, proposed_by FROM merge_proposals
WHERE case_id = %(case_id)s::uuid OR other_case_id = %(case_id)s::uuid

-- name: open_cases_after
-- Open cases in the order of opening, after a number.
SELECT case_id, number, version, state, category, province, urgency, service, prosecutor, competence_table,
       competence_rule, received_on, opened_at, tally, result, clock, clock_started_at, clock_warns_at,
       clock_due_at, clock_level, clock_strikes_at, merged_into, merged_before, split_from, opened_as, closing
FROM cases
WHERE state <> 'closed' AND merged_into IS NULL AND number > %(after)s
ORDER BY number
LIMIT %(limit)s

-- name: open_case_count
-- How many cases are open.
SELECT count(*) FROM cases WHERE state <> 'closed' AND merged_into IS NULL

-- name: case_of_report
-- The case that holds a report; a row without one for a report that left.
SELECT case_id FROM case_reports WHERE report_id = %(report_id)s::uuid
