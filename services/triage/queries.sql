-- The SQL of triage's desk. Arrays of one statement have equal lengths; rows are written whole, in key order.

-- name: known_items
-- Which of these reports the desk has already.
SELECT report_id FROM items WHERE report_id = ANY(%(report_ids)s::uuid[])

-- name: lock_items
-- These reports as they stand, locked until the transaction ends, in key order so that two workers never deadlock.
SELECT state, report
FROM items
WHERE report_id = ANY(%(report_ids)s::uuid[])
ORDER BY report_id
FOR NO KEY UPDATE

-- name: update_items
-- Write what people decided about reports that are locked. One that waits again is as urgent as the most urgent thing
-- that its reporter said.
UPDATE items
SET state = changed.state, report = changed.report, urgency = CASE changed.state
    WHEN 'open' THEN greatest(
        changed.urgency, (SELECT max(urgency) FROM amendments WHERE amendments.report_id = items.report_id))
    ELSE changed.urgency END
FROM unnest(
    %(report_ids)s::uuid[], %(states)s::text[], %(urgencies)s::smallint[], %(reports)s::text[]
) AS changed (report_id, state, urgency, report)
WHERE items.report_id = changed.report_id

-- name: queue_wanted
-- What a filter wants of an item: the condition of `queue_page` and `queue_count`. By strpos, since LIKE is thought to
-- leave next to nothing, and then all are sorted for one page.
state = %(state)s
  AND (%(category)s::text IS NULL OR strpos(report, %(category)s::text) > 0)
  AND (%(variety)s::text IS NULL OR strpos(report, %(variety)s::text) > 0)
  AND (%(channel)s::text IS NULL OR strpos(report, %(channel)s::text) > 0)
  AND (%(files)s::text IS NULL OR strpos(report, %(files)s::text) > 0)
  AND (%(only_urgency)s::smallint IS NULL OR items.urgency = %(only_urgency)s::smallint)
  AND (%(received_before)s::timestamptz IS NULL OR received_at <= %(received_before)s::timestamptz)
  AND (%(held)s::text IS NULL OR %(held)s::text = coalesce(
        (SELECT CASE WHEN person = %(person)s THEN 'me' ELSE 'others' END FROM claims
         WHERE claims.report_id = items.report_id AND until > %(now)s), 'nobody'))
  AND (%(mark)s::text IS DISTINCT FROM 'proposed'
       OR EXISTS (SELECT FROM proposals WHERE proposals.report_id = items.report_id))
  AND (%(mark)s::text IS DISTINCT FROM 'escalated'
       OR EXISTS (SELECT FROM escalations WHERE escalations.report_id = items.report_id))

-- name: queue_page
-- A page of the reports that a filter wants: the most urgent first, then the longest waiting, where each doubling of a
-- campaign counts as two hours of waiting. The order is that of the index `items_queue`.
SELECT state, report, received_at, source_topic, source_partition, source_offset, items.urgency,
       received_at AT TIME ZONE 'UTC' - interval '2 hours' * reach, amendments, seen, changed_at, withdrawn_at
FROM items LEFT JOIN dialogues USING (report_id)
WHERE :queue_wanted
  AND (%(after_id)s::uuid IS NULL
       OR (-items.urgency, received_at AT TIME ZONE 'UTC' - interval '2 hours' * reach, report_id)
           > (-%(after_urgency)s::smallint, %(after_rank)s::timestamp, %(after_id)s::uuid))
ORDER BY items.urgency DESC, (received_at AT TIME ZONE 'UTC' - interval '2 hours' * reach), report_id
LIMIT %(limit)s

-- name: queue_count
-- How many reports a filter wants, counted no further than to a limit.
SELECT count(*) FROM (
SELECT FROM items
WHERE :queue_wanted
LIMIT %(limit)s) AS counted

-- name: report_page
-- A page of all triaged reports, in the order of their ids.
SELECT state, report, received_at, source_topic, source_partition, source_offset, items.urgency,
       received_at AT TIME ZONE 'UTC' - interval '2 hours' * reach, amendments, seen, changed_at, withdrawn_at
FROM items LEFT JOIN dialogues USING (report_id)
WHERE %(after)s::uuid IS NULL OR report_id > %(after)s::uuid
ORDER BY report_id
LIMIT %(limit)s

-- name: one_report
-- One report.
SELECT state, report, received_at, source_topic, source_partition, source_offset, items.urgency,
       received_at AT TIME ZONE 'UTC' - interval '2 hours' * reach, amendments, seen, changed_at, withdrawn_at
FROM items LEFT JOIN dialogues USING (report_id)
WHERE report_id = %(report_id)s::uuid

-- name: count_open
-- How many reports wait for a person, by urgency.
SELECT urgency, count(*) FROM items WHERE state = 'open' GROUP BY urgency ORDER BY urgency DESC

-- name: news_page
-- Reports in any state with something new from their reporters, the most urgent first, then the longest waiting.
SELECT state, report, received_at, source_topic, source_partition, source_offset, items.urgency,
       received_at AT TIME ZONE 'UTC' - interval '2 hours' * reach, amendments, seen, changed_at, withdrawn_at
FROM dialogues JOIN items USING (report_id)
WHERE seen < amendments
ORDER BY dialogues.urgency DESC, changed_at, report_id
LIMIT %(limit)s

-- name: add_amendment
-- Attach an amendment; nothing when it is there already.
INSERT INTO amendments (amendment_id, report_id, number, kind, amended_at, urgency, found,
                        source_topic, source_partition, source_offset)
SELECT %(amendment_id)s::uuid, %(report_id)s::uuid,
       (SELECT count(*) + 1 FROM amendments WHERE report_id = %(report_id)s),
       %(kind)s, %(amended_at)s, %(urgency)s, %(found)s, %(topic)s, %(partition)s, %(offset)s
ON CONFLICT (amendment_id) DO NOTHING

-- name: count_amendment
-- There is something new from a reporter; what was seen before does not add to its urgency.
INSERT INTO dialogues AS d (report_id, amendments, urgency, changed_at, withdrawn_at)
VALUES (%(report_id)s, 1, %(urgency)s, %(amended_at)s,
        CASE WHEN %(kind)s = 'withdrawal' THEN %(amended_at)s::timestamptz END)
ON CONFLICT (report_id) DO UPDATE SET
    amendments = d.amendments + 1,
    urgency = CASE WHEN d.seen < d.amendments THEN greatest(d.urgency, excluded.urgency) ELSE excluded.urgency END,
    changed_at = greatest(d.changed_at, excluded.changed_at),
    withdrawn_at = coalesce(d.withdrawn_at, excluded.withdrawn_at)

-- name: raise_urgency
-- A report is as urgent as the most urgent thing that its reporter said, and so is the one that it waits behind.
UPDATE items SET urgency = %(urgency)s
WHERE urgency < %(urgency)s AND report_id IN (
    SELECT %(report_id)s::uuid
    UNION ALL
    SELECT head FROM campaign_members m JOIN campaigns USING (campaign_id) JOIN items copies ON copies.report_id = m.report_id
    WHERE m.report_id = %(report_id)s::uuid AND copies.state = 'copy' AND head IS NOT NULL)

-- name: note_overtaken
-- A supplement came before its report.
INSERT INTO overtaken (report_id)
SELECT %(report_id)s::uuid WHERE NOT EXISTS (SELECT FROM items WHERE report_id = %(report_id)s::uuid)
ON CONFLICT DO NOTHING

-- name: are_overtaken
-- Whether supplements came before their reports.
SELECT report_id FROM overtaken LIMIT 1

-- name: raise_overtaken
-- Reports that came after what their reporters added.
WITH met AS (
    DELETE FROM overtaken USING items WHERE overtaken.report_id = items.report_id RETURNING overtaken.report_id
)
UPDATE items SET urgency = greatest(
    items.urgency, (SELECT max(urgency) FROM amendments WHERE amendments.report_id = items.report_id))
FROM met WHERE items.report_id = met.report_id

-- name: add_message
-- Keep what an analyst wrote to a reporter.
INSERT INTO messages (message_id, report_id, sent_at, sender, text)
VALUES (%(message_id)s, %(report_id)s, %(sent_at)s, %(sender)s, %(text)s)
ON CONFLICT DO NOTHING

-- name: mark_seen
-- Note how many amendments were shown to people; null: all that there are. It never goes back.
UPDATE dialogues SET seen = greatest(dialogues.seen, least(coalesce(shown.seen, amendments), amendments))
FROM unnest(%(report_ids)s::uuid[], %(seen)s::int[]) AS shown (report_id, seen)
WHERE dialogues.report_id = shown.report_id

-- name: amendments_of
-- What a reporter said after the report, in order, and where each text stands.
SELECT found, source_topic, source_partition, source_offset FROM amendments
WHERE report_id = %(report_id)s ORDER BY number

-- name: messages_of
-- What analysts wrote to a reporter, in order.
SELECT message_id, sent_at, sender, text FROM messages WHERE report_id = %(report_id)s ORDER BY sent_at, message_id

-- name: lock_links
-- One worker at a time tells what a batch joins, so that of two copies that come at once one sees the other.
SELECT pg_advisory_xact_lock(hashtext('triage links'))

-- name: oldest_of_keys
-- The oldest report that has each key.
SELECT asked.key, oldest.report_id
FROM unnest(%(keys)s::uuid[]) AS asked (key)
CROSS JOIN LATERAL (SELECT report_id FROM link_keys WHERE key = asked.key ORDER BY report_id LIMIT 1) AS oldest

-- name: add_link_keys
-- Keys of reports that may have them already.
INSERT INTO link_keys (key, report_id)
SELECT * FROM unnest(%(keys)s::uuid[], %(report_ids)s::uuid[]) ORDER BY 1, 2
ON CONFLICT DO NOTHING

-- name: drop_link_keys
-- Keys that people took from reports.
DELETE FROM link_keys USING unnest(%(keys)s::uuid[], %(report_ids)s::uuid[]) AS taken (key, report_id)
WHERE link_keys.key = taken.key AND link_keys.report_id = taken.report_id

-- name: link_standings
-- How people ruled on the links of these reports, the earlier first.
SELECT report_id, number, target, by_key, verdict, actor, reason, ruled_at FROM link_rulings
WHERE report_id = ANY(%(report_ids)s::uuid[]) ORDER BY report_id, number

-- name: add_rulings
-- Keep rulings.
INSERT INTO link_rulings (report_id, number, target, by_key, verdict, actor, reason, ruled_at)
SELECT * FROM unnest(%(report_ids)s::uuid[], %(numbers)s::int[], %(targets)s::uuid[], %(by_key)s::bool[],
                     %(verdicts)s::text[], %(actors)s::text[], %(reasons)s::text[], %(ruled_at)s::timestamptz[])

-- name: known_reports
-- Which of these reports the desk has, locked against other rulings on their links.
SELECT report_id FROM items WHERE report_id = ANY(%(report_ids)s::uuid[]) ORDER BY report_id FOR NO KEY UPDATE

-- name: groups_of_keys
-- For each key how many reports have it, and the oldest of them but one.
SELECT asked.key, (SELECT count(*) FROM link_keys WHERE key = asked.key),
       ARRAY(SELECT report_id::text FROM link_keys WHERE key = asked.key AND report_id <> %(report_id)s::uuid
             ORDER BY link_keys.report_id LIMIT %(limit)s)
FROM unnest(%(keys)s::uuid[]) AS asked (key)

-- name: campaigns_of_keys
-- The campaign of each key that has one.
SELECT key, campaign_id FROM campaign_keys WHERE key = ANY(%(keys)s::uuid[])

-- name: add_campaign_keys
-- Keys of reports that came open; a key keeps its campaign.
INSERT INTO campaign_keys (key, campaign_id)
SELECT * FROM unnest(%(keys)s::uuid[], %(campaign_ids)s::uuid[]) ORDER BY 1
ON CONFLICT DO NOTHING

-- name: found_campaigns
-- Reports that were alone begin a campaign, as they stand.
WITH begun AS (
    INSERT INTO campaigns (campaign_id, reports, waiting, head, decided)
    SELECT report_id, 1, (state = 'open')::int, CASE WHEN state = 'open' THEN report_id END,
           CASE WHEN state = 'decided' THEN json_build_object(
               'category', report::json -> 'decision' ->> 'category',
               'disposition', report::json -> 'decision' ->> 'disposition')::text END
    FROM items WHERE report_id = ANY(%(campaign_ids)s::uuid[]) ORDER BY report_id
    ON CONFLICT DO NOTHING
    RETURNING campaign_id
)
INSERT INTO campaign_members (campaign_id, number, report_id) SELECT campaign_id, 1, campaign_id FROM begun

-- name: begin_campaigns
-- Campaigns that begin in this batch: their first report is open and not written yet.
WITH begun AS (
    INSERT INTO campaigns (campaign_id, reports, waiting, head)
    SELECT id, 1, 1, id FROM unnest(%(campaign_ids)s::uuid[]) AS id ORDER BY id
    RETURNING campaign_id
)
INSERT INTO campaign_members (campaign_id, number, report_id) SELECT campaign_id, 1, campaign_id FROM begun

-- name: lock_campaigns
-- Campaigns as they stand, locked until the transaction ends.
SELECT campaign_id, reports, waiting, head FROM campaigns
WHERE campaign_id = ANY(%(campaign_ids)s::uuid[]) ORDER BY campaign_id FOR UPDATE

-- name: add_members
-- Reports that joined campaigns.
INSERT INTO campaign_members (campaign_id, number, report_id)
SELECT * FROM unnest(%(campaign_ids)s::uuid[], %(numbers)s::int[], %(report_ids)s::uuid[])

-- name: update_campaigns
-- Campaigns that are locked, as they stand now.
UPDATE campaigns SET reports = now.reports, waiting = now.waiting, head = now.head
FROM unnest(%(campaign_ids)s::uuid[], %(reports)s::int[], %(waiting)s::int[], %(heads)s::uuid[])
    AS now (campaign_id, reports, waiting, head)
WHERE campaigns.campaign_id = now.campaign_id

-- name: raise_heads
-- The report that stands for a campaign is as urgent as the most urgent of those behind it.
UPDATE items SET urgency = greatest(items.urgency, raised.urgency)
FROM unnest(%(report_ids)s::uuid[], %(urgencies)s::smallint[]) AS raised (report_id, urgency)
WHERE items.report_id = raised.report_id AND items.urgency < raised.urgency

-- name: reach_heads
-- The report that stands for a campaign reaches as far as the campaign: written when the campaign doubled.
UPDATE items SET reach = floor(log(2, campaigns.reports))::smallint
FROM campaigns
WHERE campaign_id = ANY(%(campaign_ids)s::uuid[]) AND items.report_id = head
  AND items.reach <> floor(log(2, campaigns.reports))::smallint

-- name: campaigns_of_reports
-- Which of these reports belong to campaigns.
SELECT report_id, campaign_id FROM campaign_members WHERE report_id = ANY(%(report_ids)s::uuid[])

-- name: leave_campaigns
-- So many reports of campaigns wait no longer; whoever stood for one and was decided does not any more.
UPDATE campaigns
SET waiting = campaigns.waiting - gone.waiting, decided = gone.decided,
    head = CASE WHEN EXISTS (SELECT FROM items WHERE report_id = head AND state = 'open') THEN head END
FROM unnest(%(campaign_ids)s::uuid[], %(waiting)s::int[], %(decided)s::text[]) AS gone (campaign_id, waiting, decided)
WHERE campaigns.campaign_id = gone.campaign_id

-- name: promote_copies
-- The first copy of a campaign without an open report stands for it from now on, as urgent as any that waits.
WITH next AS (
    SELECT campaign_id, first.report_id, first.urgency, floor(log(2, campaigns.reports))::smallint AS reach
    FROM campaigns CROSS JOIN LATERAL (
        SELECT report_id, max(urgency) OVER () AS urgency
        FROM campaign_members m JOIN items USING (report_id)
        WHERE m.campaign_id = campaigns.campaign_id AND state = 'copy' ORDER BY number LIMIT 1
    ) AS first
    WHERE campaign_id = ANY(%(campaign_ids)s::uuid[]) AND head IS NULL AND waiting > 0
), promoted AS (
    UPDATE items SET state = 'open', urgency = next.urgency, reach = next.reach FROM next WHERE items.report_id = next.report_id
)
UPDATE campaigns SET head = next.report_id FROM next WHERE campaigns.campaign_id = next.campaign_id

-- name: waiting_members
-- The reports of a campaign that wait and whose numbers lie within bounds.
SELECT report_id FROM campaign_members JOIN items USING (report_id)
WHERE campaign_id = %(campaign_id)s::uuid AND number > %(after)s AND number <= %(upto)s AND state IN ('open', 'copy')
ORDER BY report_id

-- name: shown_campaigns
-- The campaigns of these reports.
SELECT m.report_id, c.campaign_id, c.reports, c.waiting, c.head, c.decided, m.number
FROM campaign_members m JOIN campaigns c USING (campaign_id)
WHERE m.report_id = ANY(%(report_ids)s::uuid[])

-- name: one_campaign
-- One campaign.
SELECT campaign_id, campaign_id, reports, waiting, head, decided, reports FROM campaigns
WHERE campaign_id = %(campaign_id)s::uuid

-- name: campaign_page
-- A page of the reports of a campaign, in the order in which they came.
SELECT number, report_id, state, items.urgency, received_at FROM campaign_members JOIN items USING (report_id)
WHERE campaign_id = %(campaign_id)s::uuid AND number > %(after)s ORDER BY number LIMIT %(limit)s

-- name: resembling
-- The reports that share most bands with a report, and how many.
SELECT report_id, count(*) FROM sketch_bands
WHERE band = ANY(%(bands)s::bigint[]) AND report_id <> %(report_id)s::uuid
GROUP BY report_id HAVING count(*) >= %(least)s
ORDER BY count(*) DESC, report_id LIMIT %(limit)s
-- name: claims_of
-- Who holds which of these reports now.
SELECT report_id, person, until FROM claims WHERE report_id = ANY(%(report_ids)s::uuid[]) AND until > %(now)s

-- name: take_claim
-- Hold a report, or go on holding it; nothing while somebody else does.
INSERT INTO claims AS held (report_id, person, until)
SELECT report_id, %(person)s, %(until)s FROM items WHERE report_id = %(report_id)s::uuid
ON CONFLICT (report_id) DO UPDATE SET person = excluded.person, until = excluded.until
    WHERE held.person = excluded.person OR held.until <= %(now)s
RETURNING report_id, person, until

-- name: release_claim
-- Hold a report no longer.
DELETE FROM claims WHERE report_id = %(report_id)s AND person = %(person)s

-- name: release_claims
-- Nobody holds these reports any more: they are decided.
DELETE FROM claims WHERE report_id = ANY(%(report_ids)s::uuid[])

-- name: claims_by
-- What somebody holds now, the longest first.
SELECT report_id, person, until FROM claims WHERE person = %(person)s AND until > %(now)s ORDER BY until, report_id

-- name: claim_next
-- Hold the first report of the queue that nobody holds, that this person was not shown before, proposed nothing about
-- and does not keep away from, be it for its category or the one that is proposed. Nothing when there is none, or when
-- somebody took it in the same instant.
INSERT INTO claims AS held (report_id, person, until)
SELECT report_id, %(person)s, %(until)s
FROM (
    SELECT report_id FROM items
    WHERE state = 'open'
      AND NOT EXISTS (SELECT FROM claims c WHERE c.report_id = items.report_id AND c.until > %(now)s)
      AND NOT EXISTS (SELECT FROM views v WHERE v.report_id = items.report_id AND v.person = %(person)s)
      AND NOT EXISTS (SELECT FROM proposals p WHERE p.report_id = items.report_id
                      AND (p.command::json->>'reviewer' = %(person)s OR p.command LIKE ANY(%(kept_away)s::text[])))
      AND NOT (report LIKE ANY(%(kept_away)s::text[]))
    ORDER BY urgency DESC, (received_at AT TIME ZONE 'UTC' - interval '2 hours' * reach), report_id
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED
) AS first
ON CONFLICT (report_id) DO UPDATE SET person = excluded.person, until = excluded.until WHERE held.until <= %(now)s
RETURNING report_id, person, until

-- name: add_decisions
-- Remember versions that people made.
INSERT INTO decisions (report_id, version, command_id, decided_at, person, reviewed)
SELECT * FROM unnest(%(report_ids)s::uuid[], %(versions)s::int[], %(command_ids)s::uuid[],
                     %(decided_ats)s::timestamptz[], %(persons)s::text[], %(reviewed)s::text[])

-- name: decisions_of
-- All versions of these reports that people made, in order.
SELECT report_id, version, person, decided_at, reviewed, command_id FROM decisions
WHERE report_id = ANY(%(report_ids)s::uuid[]) ORDER BY report_id, version

-- name: amendments_counted
-- How many amendments these reports have.
SELECT report_id, amendments FROM dialogues WHERE report_id = ANY(%(report_ids)s::uuid[])

-- name: proposals_of
-- What waits for a second person, of these reports.
SELECT report_id, proposal_id, version, command FROM proposals WHERE report_id = ANY(%(report_ids)s::uuid[])

-- name: put_proposals
-- Decisions that wait for a second person, each in the place of the one before.
INSERT INTO proposals (report_id, proposal_id, version, command)
SELECT * FROM unnest(%(report_ids)s::uuid[], %(proposal_ids)s::uuid[], %(versions)s::int[], %(commands)s::text[])
ON CONFLICT (report_id) DO UPDATE
    SET proposal_id = excluded.proposal_id, version = excluded.version, command = excluded.command

-- name: drop_proposals
-- Nothing waits for a second person any more, of these reports.
DELETE FROM proposals WHERE report_id = ANY(%(report_ids)s::uuid[])

-- name: escalations_of
-- Who handed which of these reports on.
SELECT report_id, person, reason, escalated_at FROM escalations WHERE report_id = ANY(%(report_ids)s::uuid[])

-- name: put_escalation
-- A report is handed on; the last reason holds.
INSERT INTO escalations (report_id, person, reason, escalated_at)
VALUES (%(report_id)s, %(person)s, %(reason)s, %(escalated_at)s)
ON CONFLICT (report_id) DO UPDATE
    SET person = excluded.person, reason = excluded.reason, escalated_at = excluded.escalated_at

-- name: drop_escalations
-- These reports were decided: they are handed on no longer.
DELETE FROM escalations WHERE report_id = ANY(%(report_ids)s::uuid[])

-- name: is_one_next
-- Whether `claim_next` may find one when it is asked again.
SELECT report_id FROM items
WHERE state = 'open'
  AND NOT EXISTS (SELECT FROM claims c WHERE c.report_id = items.report_id AND c.until > %(now)s)
  AND NOT EXISTS (SELECT FROM views v WHERE v.report_id = items.report_id AND v.person = %(person)s)
  AND NOT EXISTS (SELECT FROM proposals p WHERE p.report_id = items.report_id
                  AND (p.command::json->>'reviewer' = %(person)s OR p.command LIKE ANY(%(kept_away)s::text[])))
  AND NOT (report LIKE ANY(%(kept_away)s::text[]))
LIMIT 1

-- name: choices_of
-- What a person chose.
SELECT choices FROM preferences WHERE person = %(person)s

-- name: put_choices
-- Keep what a person chose.
INSERT INTO preferences (person, choices) VALUES (%(person)s, %(choices)s)
ON CONFLICT (person) DO UPDATE SET choices = excluded.choices

-- name: note_view
-- A person is shown the content of a report.
INSERT INTO views (person, report_id, first_at, last_at, category)
VALUES (%(person)s, %(report_id)s, %(now)s, %(now)s, %(category)s)
ON CONFLICT (person, report_id) DO UPDATE SET last_at = excluded.last_at, category = excluded.category

-- name: seen_at
-- When a person was last shown a report.
SELECT last_at FROM views WHERE person = %(person)s AND report_id = %(report_id)s

-- name: views_since
-- What a person was shown from a time on.
SELECT last_at, category FROM views WHERE person = %(person)s AND last_at >= %(since)s

-- name: make_bulk
-- A selection, frozen.
INSERT INTO bulks (bulk_id, person, made_at, filter) VALUES (%(bulk_id)s, %(person)s, %(made_at)s, %(filter)s)

-- name: freeze_reports
-- The reports of a selection that the desk has, numbered as they were given, with the versions that they have now.
INSERT INTO bulk_reports (bulk_id, number, report_id, version)
SELECT %(bulk_id)s::uuid, number, report_id, (report::json->>'version')::int
FROM unnest(%(report_ids)s::uuid[]) WITH ORDINALITY AS given (report_id, number) JOIN items USING (report_id)
ORDER BY number

-- name: one_bulk
-- A selection.
SELECT bulk_id, person, made_at, filter, decision, decided_at, undone_at FROM bulks WHERE bulk_id = %(bulk_id)s

-- name: frozen_reports
-- The reports of a selection, in order, with the version that they had when they were selected.
SELECT number, report_id, version FROM bulk_reports WHERE bulk_id = %(bulk_id)s ORDER BY number

-- name: frozen_categories
-- How many reports of each category a selection has now, the most first.
SELECT report::json->'decision'->>'category' AS category, count(*) FROM bulk_reports JOIN items USING (report_id)
WHERE bulk_id = %(bulk_id)s GROUP BY category ORDER BY count(*) DESC, category

-- name: decide_bulk
-- The one decision about a selection; nothing when there is one.
UPDATE bulks SET decision = %(decision)s, decided_at = %(decided_at)s
WHERE bulk_id = %(bulk_id)s AND decision IS NULL

-- name: undo_bulk
-- What was decided about a selection is taken back; nothing when it is already, or nothing was decided.
UPDATE bulks SET undone_at = %(undone_at)s WHERE bulk_id = %(bulk_id)s AND decision IS NOT NULL AND undone_at IS NULL

-- name: bulks_by
-- A person's latest selections about which something was decided.
SELECT bulk_id, person, made_at, filter, decision, decided_at, undone_at FROM bulks
WHERE person = %(person)s AND decision IS NOT NULL ORDER BY made_at DESC LIMIT %(limit)s

-- name: remove_claims
-- Leases that are over hold nothing.
DELETE FROM claims WHERE ctid IN (SELECT ctid FROM claims WHERE until <= %(now)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED)

-- name: remove_views
-- Who was shown a report long ago that waits no longer.
DELETE FROM views WHERE ctid IN (
    SELECT ctid FROM views
    WHERE last_at < %(before)s
      AND NOT EXISTS (SELECT FROM items WHERE items.report_id = views.report_id AND items.state IN ('open', 'copy'))
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED)

-- name: remove_selections
-- Selections that are old, or that nobody decided about; their reports stay.
DELETE FROM bulks WHERE bulk_id IN (
    SELECT bulk_id FROM bulks
    WHERE made_at < CASE WHEN decision IS NULL THEN %(undecided_before)s::timestamptz ELSE %(before)s::timestamptz END
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED)

-- name: add_shadow_counts
-- Add what was counted of a proposed model's decisions beside the real ones.
INSERT INTO shadow_counts (policy, candidate, category, disposition, urgency, other_category, other_disposition,
    other_urgency, reports, first_at, last_at)
SELECT added.*, %(now)s, %(now)s FROM unnest(
    %(policies)s::text[], %(candidates)s::text[], %(categories)s::text[], %(dispositions)s::text[],
    %(urgencies)s::smallint[], %(other_categories)s::text[], %(other_dispositions)s::text[],
    %(other_urgencies)s::smallint[], %(reports)s::bigint[]
) AS added
ON CONFLICT (policy, candidate, category, disposition, urgency, other_category, other_disposition, other_urgency)
DO UPDATE SET reports = shadow_counts.reports + excluded.reports, last_at = excluded.last_at

-- name: shadow_counts
-- All that was counted of proposed models' decisions beside the real ones.
SELECT policy, candidate, category, disposition, urgency, other_category, other_disposition, other_urgency,
    reports, first_at, last_at
FROM shadow_counts ORDER BY policy, candidate
