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
-- Write what people decided about reports that are locked.
UPDATE items
SET state = changed.state, urgency = changed.urgency, report = changed.report
FROM unnest(
    %(report_ids)s::uuid[], %(states)s::text[], %(urgencies)s::smallint[], %(reports)s::text[]
) AS changed (report_id, state, urgency, report)
WHERE items.report_id = changed.report_id

-- name: queue_page
-- A page of the reports in one state, the most urgent first, then the longest waiting.
SELECT state, report, received_at, source_topic, source_partition, source_offset
FROM items
WHERE state = %(state)s
  AND (%(after_id)s::uuid IS NULL
       OR (-urgency, received_at, report_id) > (-%(after_urgency)s::smallint, %(after_received_at)s::timestamptz, %(after_id)s::uuid))
ORDER BY urgency DESC, received_at, report_id
LIMIT %(limit)s

-- name: report_page
-- A page of all triaged reports, in the order of their ids.
SELECT state, report, received_at, source_topic, source_partition, source_offset
FROM items
WHERE %(after)s::uuid IS NULL OR report_id > %(after)s::uuid
ORDER BY report_id
LIMIT %(limit)s

-- name: one_report
-- One report.
SELECT state, report, received_at, source_topic, source_partition, source_offset
FROM items
WHERE report_id = %(report_id)s::uuid

-- name: count_open
-- How many reports wait for a person, by urgency.
SELECT urgency, count(*) FROM items WHERE state = 'open' GROUP BY urgency ORDER BY urgency DESC
