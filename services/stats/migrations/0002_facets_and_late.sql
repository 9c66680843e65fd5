-- Further cross-tabs, and what was learned late. A rebuild writes into twins of these tables too.
-- Both begin empty: `ibalagh stats rebuild` fills them for what was counted before.

CREATE TABLE facets (
    measure  text   NOT NULL,
    facet    text   NOT NULL,
    day      date   NOT NULL,
    category text,
    value    text,
    count    bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (measure, facet, day, category, value)
) WITH (fillfactor = 70);
COMMENT ON TABLE facets IS 'Reports by one further dimension each: one row a cell of a named cross-tab';
COMMENT ON COLUMN facets.value IS 'Null where it is not known, as a province often is';

CREATE TABLE late (
    known_on     date   NOT NULL,
    measure      text   NOT NULL,
    day          date   NOT NULL,
    category     text,
    organisation text,
    identified   boolean,
    country      text,
    count        bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (known_on, measure, day, category, organisation, identified, country)
) WITH (fillfactor = 70);
COMMENT ON TABLE late IS 'What cells of `counters` gained and lost on another day than their own: figures as they stood';
COMMENT ON COLUMN late.known_on IS 'The civil day of Morocco on which the event was made that moved the cell';
