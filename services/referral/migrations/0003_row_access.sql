-- Who reads cases for a service or a prosecutor's office reads as a role of its own, which sees that service's or office's
-- rows and no others, whatever the query says: the rule is the database's, not the page's.

SET LOCAL ROLE NONE;
DO $$ BEGIN
    -- Roles belong to the whole server: another database's migration may have granted it, or be about to.
    IF NOT pg_has_role('ibalagh_referral', 'ibalagh_referral_officer', 'SET') THEN
        GRANT ibalagh_referral_officer TO ibalagh_referral WITH INHERIT FALSE, SET TRUE;
    END IF;
EXCEPTION WHEN unique_violation OR internal_error THEN NULL;
END $$;
SET LOCAL ROLE ibalagh_referral;

CREATE TABLE postings (
    person     text        NOT NULL PRIMARY KEY,
    service    text,
    prosecutor text,
    since      timestamptz NOT NULL,
    CHECK (num_nonnulls(service, prosecutor) = 1)
);
COMMENT ON TABLE postings IS 'Which service or prosecutor''s office a person who signs in works for; person is a pseudonym';

CREATE TABLE service_keys (
    key_hash bytea       NOT NULL PRIMARY KEY,
    service  text        NOT NULL,
    made_at  timestamptz NOT NULL,
    ended_at timestamptz
);
COMMENT ON TABLE service_keys IS 'Keys of services'' own systems to the interface; SHA-256 of 32 random bytes';

GRANT USAGE ON SCHEMA referral TO ibalagh_referral_officer;
GRANT SELECT ON cases, case_reports, indicators, suspects, case_history TO ibalagh_referral_officer;

-- The owner, as which the worker writes, is not held by these: a batch on the path of reports pays nothing for them.
ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
ALTER TABLE case_reports ENABLE ROW LEVEL SECURITY;
ALTER TABLE indicators ENABLE ROW LEVEL SECURITY;
ALTER TABLE suspects ENABLE ROW LEVEL SECURITY;
ALTER TABLE case_history ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_cases ON cases FOR SELECT TO ibalagh_referral_officer USING (
    service = nullif(current_setting('ibalagh.service', true), '')
    OR prosecutor = nullif(current_setting('ibalagh.prosecutor', true), ''));
CREATE POLICY of_own_cases ON case_reports FOR SELECT TO ibalagh_referral_officer
    USING (EXISTS (SELECT FROM cases WHERE cases.case_id = case_reports.case_id));
CREATE POLICY of_own_cases ON indicators FOR SELECT TO ibalagh_referral_officer
    USING (EXISTS (SELECT FROM cases WHERE cases.case_id = indicators.case_id));
CREATE POLICY of_own_cases ON suspects FOR SELECT TO ibalagh_referral_officer
    USING (EXISTS (SELECT FROM cases WHERE cases.case_id = suspects.case_id));
CREATE POLICY of_own_cases ON case_history FOR SELECT TO ibalagh_referral_officer
    USING (EXISTS (SELECT FROM cases WHERE cases.case_id = case_history.case_id));
