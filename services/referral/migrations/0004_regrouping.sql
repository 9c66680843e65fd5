-- Cases are merged and split. A merged case keeps its rows and points to the case that it is merged into: nothing of a
-- campaign of 100,000 reports is written by a merge, and an undo takes the pointer away.

ALTER TABLE cases
    ADD COLUMN merged_into   uuid,
    ADD COLUMN merged_before json,
    ADD COLUMN split_from    uuid,
    ADD COLUMN opened_as     text,
    ADD COLUMN closing       json,
    ADD CONSTRAINT cases_merged_whole CHECK (num_nonnulls(merged_into, merged_before) IN (0, 2));
COMMENT ON COLUMN cases.merged_into IS 'The case that is meant where this one is named; null for one that stands for itself';
COMMENT ON COLUMN cases.merged_before IS 'What the merge changed in that case: its version since, its urgency, day and clock before';
COMMENT ON COLUMN cases.split_from IS 'The case that it was split off; null for one that a report opened';
COMMENT ON COLUMN cases.opened_as IS 'The category that it was opened with, where it is another now';
COMMENT ON COLUMN cases.closing IS 'Where it stood when it was closed, and the time and category that this was said with';
CREATE INDEX cases_merged ON cases (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX cases_split ON cases (split_from) WHERE split_from IS NOT NULL;

ALTER TABLE case_reports ADD COLUMN keys uuid[];
COMMENT ON COLUMN case_reports.keys IS 'Its indicators, so that they go with it when its case is split; null if none, or from before';

-- Cases from before: how they were closed, and as what they were opened, as far as what is kept tells it.
UPDATE cases
SET closing = json_build_object(
    'state', CASE
        WHEN EXISTS (SELECT FROM suspects WHERE suspects.case_id = cases.case_id) THEN 'investigation'
        WHEN EXISTS (SELECT FROM case_history AS h WHERE h.case_id = cases.case_id
                     AND h.type = 'ibalagh.investigation.opened.v1') THEN 'investigation'
        ELSE 'accepted' END,
    'at', closed.occurred_at, 'category', closed.category)
FROM (
    SELECT DISTINCT ON (case_id) case_id, occurred_at, detail ->> 'category' AS category
    FROM case_history WHERE type = 'ibalagh.case.closed.v1' ORDER BY case_id, version DESC
) AS closed
WHERE cases.case_id = closed.case_id AND cases.state = 'closed';
UPDATE cases
SET opened_as = first.category
FROM (
    SELECT DISTINCT ON (h.case_id) h.case_id, h.detail ->> 'previous_category' AS category
    FROM case_history AS h
    JOIN case_reports AS r ON r.case_id = h.case_id AND r.joined_version = 1 AND r.report_id::text = h.detail ->> 'report_id'
    WHERE h.type = 'ibalagh.case.reclassified.v1' ORDER BY h.case_id, h.version
) AS first
WHERE cases.case_id = first.case_id AND cases.category <> first.category;

CREATE TABLE merge_proposals (
    case_id       uuid        NOT NULL,
    other_case_id uuid        NOT NULL,
    proposed_by   text        NOT NULL,
    proposed_at   timestamptz NOT NULL,
    PRIMARY KEY (case_id, other_case_id)
);
COMMENT ON TABLE merge_proposals IS 'Merges across services, which a second person has to ask for too';
ALTER TABLE merge_proposals ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON merge_proposals TO ibalagh_referral_officer;
CREATE POLICY of_own_cases ON merge_proposals FOR SELECT TO ibalagh_referral_officer
    USING (EXISTS (SELECT FROM cases WHERE cases.case_id = merge_proposals.case_id));

-- Who sees a case sees what is merged into it, wherever that was; a policy may not ask its own table, so the owner does.
CREATE FUNCTION standing_case_is_seen(merged uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = referral, pg_temp
    RETURN (
        WITH RECURSIVE up (case_id, merged_into, service, prosecutor) AS (
            SELECT c.case_id, c.merged_into, c.service, c.prosecutor FROM cases AS c WHERE c.case_id = merged
            UNION SELECT c.case_id, c.merged_into, c.service, c.prosecutor FROM cases AS c JOIN up ON c.case_id = up.merged_into
        )
        SELECT coalesce(bool_or(
            up.service = nullif(current_setting('ibalagh.service', true), '')
            OR up.prosecutor = nullif(current_setting('ibalagh.prosecutor', true), '')), false)
        FROM up
    );
REVOKE EXECUTE ON FUNCTION standing_case_is_seen FROM PUBLIC;
GRANT EXECUTE ON FUNCTION standing_case_is_seen TO ibalagh_referral_officer;
DROP POLICY own_cases ON cases;
CREATE POLICY own_cases ON cases FOR SELECT TO ibalagh_referral_officer USING (
    service = nullif(current_setting('ibalagh.service', true), '')
    OR prosecutor = nullif(current_setting('ibalagh.prosecutor', true), '')
    OR (merged_into IS NOT NULL AND standing_case_is_seen(merged_into)));
