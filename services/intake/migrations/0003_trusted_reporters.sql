-- Trusted reporters: who they are, the hashes of their API keys, and how many reports they sent in a day.

CREATE TABLE reporters (
    name        text        NOT NULL PRIMARY KEY,
    scopes      text[]      NOT NULL,
    daily_quota integer     CHECK (daily_quota > 0),
    rate_per_s  real        CHECK (rate_per_s > 0),
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE reporters IS 'Organisations that report with an API key: hotlines, banks, schools, platforms';
COMMENT ON COLUMN reporters.daily_quota IS 'Most reports in a civil day of Morocco; null: no limit';
COMMENT ON COLUMN reporters.rate_per_s IS 'Reports a second, on average; null: no limit';

CREATE TABLE api_keys (
    key_id      text        NOT NULL PRIMARY KEY,
    reporter    text        NOT NULL REFERENCES reporters,
    secret_hash bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    ends_at     timestamptz
);
COMMENT ON TABLE api_keys IS 'Keys by their id; of the secret, 256 random bits, only a SHA-256';
COMMENT ON COLUMN api_keys.ends_at IS 'From then on the key opens nothing; null: until it is rotated or revoked';
CREATE INDEX api_keys_reporter ON api_keys (reporter);

CREATE TABLE reporter_usage (
    reporter text    NOT NULL REFERENCES reporters,
    day      date    NOT NULL,
    reports  integer NOT NULL CHECK (reports >= 0),
    PRIMARY KEY (reporter, day)
) WITH (fillfactor = 50);
COMMENT ON TABLE reporter_usage IS 'Reports counted against the daily quota, by civil day of Morocco';
