-- Every table name carries {twin}: nothing for the live tables, a suffix for those that a rebuild fills.

-- name: remember
-- Remember reports of a kind each; returns those that are new.
INSERT INTO seen{twin} (report_id, kind)
SELECT * FROM unnest(%(report_ids)s::uuid[], %(kinds)s::smallint[])
ON CONFLICT DO NOTHING
RETURNING report_id::text, kind;

-- name: marks
-- The marks of some sources.
SELECT topic, partition, cause_topic, cause_partition, cause_offset, cause_number
FROM marks{twin}
JOIN unnest(%(topics)s::text[], %(partitions)s::int[], %(cause_topics)s::text[], %(cause_partitions)s::int[])
    AS wanted (topic, partition, cause_topic, cause_partition)
    USING (topic, partition, cause_topic, cause_partition);

-- name: raise_marks
-- Store higher marks.
INSERT INTO marks{twin} (topic, partition, cause_topic, cause_partition, cause_offset, cause_number)
SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(cause_topics)s::text[], %(cause_partitions)s::int[],
                     %(offsets)s::bigint[], %(numbers)s::int[])
ON CONFLICT (topic, partition, cause_topic, cause_partition)
DO UPDATE SET cause_offset = excluded.cause_offset, cause_number = excluded.cause_number;

-- name: refuse
-- Remember events that were refused for their content.
INSERT INTO refused{twin} (topic, partition, cause_topic, cause_partition, cause_offset, cause_number)
SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::int[], %(cause_topics)s::text[], %(cause_partitions)s::int[],
                     %(offsets)s::bigint[], %(numbers)s::int[])
ON CONFLICT DO NOTHING;

-- name: readmit
-- Forget events that had been refused; returns them.
DELETE FROM refused{twin}
USING unnest(%(topics)s::text[], %(partitions)s::int[], %(cause_topics)s::text[], %(cause_partitions)s::int[],
             %(offsets)s::bigint[], %(numbers)s::int[])
    AS these (topic, partition, cause_topic, cause_partition, cause_offset, cause_number)
WHERE refused{twin}.topic = these.topic
  AND refused{twin}.partition = these.partition
  AND refused{twin}.cause_topic = these.cause_topic
  AND refused{twin}.cause_partition = these.cause_partition
  AND refused{twin}.cause_offset = these.cause_offset
  AND refused{twin}.cause_number = these.cause_number
RETURNING these.topic, these.partition, these.cause_topic, these.cause_partition, these.cause_offset,
          these.cause_number;

-- name: add
-- Add increments to cells; each cell once, in one order for all workers, so that two never deadlock.
INSERT INTO counters{twin} AS kept (measure, day, category, organisation, identified, country, count)
SELECT * FROM unnest(%(measures)s::text[], %(days)s::date[], %(categories)s::text[], %(organisations)s::text[],
                     %(identified)s::boolean[], %(countries)s::text[], %(counts)s::bigint[])
ON CONFLICT (measure, day, category, organisation, identified, country)
DO UPDATE SET count = kept.count + excluded.count;

-- name: add_facets
-- Add increments to cells of the facets; each cell once, in one order.
INSERT INTO facets{twin} AS kept (measure, facet, day, category, value, count)
SELECT * FROM unnest(%(measures)s::text[], %(facets)s::text[], %(days)s::date[], %(categories)s::text[],
                     %(values)s::text[], %(counts)s::bigint[])
ON CONFLICT (measure, facet, day, category, value) DO UPDATE SET count = kept.count + excluded.count;

-- name: add_late
-- Add what was learned on another day than the cell's own; each cell once, in one order.
INSERT INTO late{twin} AS kept (known_on, measure, day, category, organisation, identified, country, count)
SELECT * FROM unnest(%(known_on)s::date[], %(measures)s::text[], %(days)s::date[], %(categories)s::text[],
                     %(organisations)s::text[], %(identified)s::boolean[], %(countries)s::text[], %(counts)s::bigint[])
ON CONFLICT (known_on, measure, day, category, organisation, identified, country)
DO UPDATE SET count = kept.count + excluded.count;

-- name: facet_cells
-- Every cell of the facets that is not empty.
SELECT measure, facet, day, category, value, count FROM facets WHERE count <> 0;

-- name: late_cells
-- Everything that was learned late and has not evened out.
SELECT known_on, measure, day, category, organisation, identified, country, count FROM late WHERE count <> 0;

-- name: facet_sums
-- The values of one facet of a measure, over a period (null: open) and all categories.
SELECT value, sum(count)::bigint
FROM facets
WHERE measure = %(measure)s AND facet = %(facet)s
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
GROUP BY value
HAVING sum(count) <> 0;

-- name: facet_rows
-- The rows of a cross-tab by a facet, in a period (null: open), the largest first.
SELECT category, value, sum(count)::bigint
FROM facets
WHERE measure = %(measure)s AND facet = %(facet)s
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
GROUP BY category, value
HAVING sum(count) <> 0
ORDER BY 3 DESC, 1, 2;

-- name: sums_as_of
-- As `sums`, as it stood at the end of a day: what is known now, less what was learned later.
SELECT measure, null::date, category, organisation, identified, country, sum(count)::bigint
FROM (
    SELECT measure, day, category, organisation, identified, country, count FROM counters
    UNION ALL
    SELECT measure, day, category, organisation, identified, country, -count FROM late WHERE known_on > %(as_of)s
) AS stood
WHERE (%(measures)s::text[] IS NULL OR measure = ANY (%(measures)s))
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
  AND day <= %(as_of)s
GROUP BY measure, category, organisation, identified, country
HAVING sum(count) <> 0;

-- name: days
-- A measure by day, up to a day.
SELECT day, sum(count)::bigint FROM counters WHERE measure = %(measure)s AND day <= %(last)s
GROUP BY day HAVING sum(count) <> 0 ORDER BY day;

-- name: releases
-- What was published, the newest period first, each period from its first release on.
SELECT first_day, last_day, number, made_at, document, cells FROM releases ORDER BY first_day DESC, last_day, number;

-- name: release
-- Publish.
INSERT INTO releases (first_day, last_day, number, made_at, document, cells)
VALUES (%(first)s, %(last)s, %(number)s, %(made_at)s, %(document)s, %(cells)s::jsonb);

-- name: lock_releases
-- One release at a time, so that no two overlap.
LOCK TABLE releases IN SHARE ROW EXCLUSIVE MODE;

-- name: keep_snapshot
-- Keep the public days of a day, unless somebody did.
INSERT INTO snapshots (day, document) VALUES (%(day)s, %(document)s) ON CONFLICT DO NOTHING;

-- name: snapshot
-- The public days of a day.
SELECT document FROM snapshots WHERE day = %(day)s;

-- name: cells
-- Every cell that is not empty, of some measures (null: all) and a period (null: open).
SELECT measure, day, category, organisation, identified, country, count
FROM counters
WHERE count <> 0
  AND (%(measures)s::text[] IS NULL OR measure = ANY (%(measures)s))
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s);

-- name: totals
-- Every measure that is not empty, over some days (null: open); of some measures (null: all).
SELECT measure, sum(count)::bigint
FROM counters
WHERE (%(measures)s::text[] IS NULL OR measure = ANY (%(measures)s))
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
GROUP BY measure;

-- name: sums
-- The cells of some measures (null: all) with the days of a period (null: open) added up: what a communiqué needs.
SELECT measure, null::date, category, organisation, identified, country, sum(count)::bigint
FROM counters
WHERE (%(measures)s::text[] IS NULL OR measure = ANY (%(measures)s))
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
GROUP BY measure, category, organisation, identified, country
HAVING sum(count) <> 0;

-- name: positions
-- How far a consumer has read, stored with the effects of all before it.
SELECT topic, partition, next_offset FROM stream_offsets WHERE consumer = %(consumer)s AND next_offset > 0;

-- name: make_twins
-- Empty twins of the tables, for a rebuild; those that an interrupted one left are dropped.
DROP TABLE IF EXISTS counters_rebuilt, facets_rebuilt, late_rebuilt, seen_rebuilt, marks_rebuilt, refused_rebuilt;
CREATE TABLE counters_rebuilt (LIKE counters INCLUDING ALL);
CREATE TABLE facets_rebuilt (LIKE facets INCLUDING ALL);
CREATE TABLE late_rebuilt (LIKE late INCLUDING ALL);
CREATE TABLE seen_rebuilt (LIKE seen INCLUDING ALL);
CREATE TABLE marks_rebuilt (LIKE marks INCLUDING ALL);
CREATE TABLE refused_rebuilt (LIKE refused INCLUDING ALL);

-- name: stop_the_world
-- Wait until no batch is under way and let none begin before this transaction ends; the order is that of a batch.
LOCK TABLE seen, marks, refused, counters, facets, late IN ACCESS EXCLUSIVE MODE;

-- name: swap_twins
-- The twins take the place of the tables.
DROP TABLE counters, facets, late, seen, marks, refused;
ALTER TABLE counters_rebuilt RENAME TO counters;
ALTER TABLE facets_rebuilt RENAME TO facets;
ALTER TABLE late_rebuilt RENAME TO late;
ALTER TABLE seen_rebuilt RENAME TO seen;
ALTER TABLE marks_rebuilt RENAME TO marks;
ALTER TABLE refused_rebuilt RENAME TO refused;
