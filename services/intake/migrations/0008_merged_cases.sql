-- Cases are merged: a report's status is then that of the case that stands. Reports keep the case that they were put in,
-- so that a merge writes one row, however many reports it concerns, and so does its undoing.

CREATE TABLE merged_cases (
    case_id     uuid    NOT NULL PRIMARY KEY,
    version     integer NOT NULL,
    merged_into uuid
);
COMMENT ON TABLE merged_cases IS 'Projection: cases that were merged, and into which; null once that is undone';
