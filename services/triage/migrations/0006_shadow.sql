-- How a proposed model would have decided beside the one in use: counts, and nothing of any report.

CREATE TABLE shadow_counts (
    policy             text        NOT NULL,
    candidate          text        NOT NULL,
    category           text        NOT NULL,
    disposition        text        NOT NULL,
    urgency            smallint    NOT NULL,
    other_category     text        NOT NULL,
    other_disposition  text        NOT NULL,
    other_urgency      smallint    NOT NULL,
    reports            bigint      NOT NULL,
    first_at           timestamptz NOT NULL,
    last_at            timestamptz NOT NULL,
    PRIMARY KEY (policy, candidate, category, disposition, urgency, other_category, other_disposition, other_urgency)
);
COMMENT ON TABLE shadow_counts IS
    'Reports by what was decided about them and what the candidate would have decided; approximate by what a worker had '
    'not written yet when it was killed, and by batches that were decided twice';
COMMENT ON COLUMN shadow_counts.policy IS 'Version that decided, of policy and model; candidate: the same of the other';
