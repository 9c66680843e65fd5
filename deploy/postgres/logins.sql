-- A login for each service, which may act as that service and as nobody else: intake cannot read the vault that it
-- fills, and no service another's tables; for people referral reads as ibalagh_referral_officer, which the migrations
-- make and which sees one service's rows. PostgreSQL's image runs this once, when the volume is new; on a database that
-- has data already: psql -U ibalagh -f logins.sql, with the four variables set. `ibalagh db apply` gives the roles their
-- schemas. Custodians of the vault get logins of their own: docs/vault.md.
\set ON_ERROR_STOP on
\getenv intake INTAKE_DB_PASSWORD
\getenv triage TRIAGE_DB_PASSWORD
\getenv referral REFERRAL_DB_PASSWORD
\getenv stats STATS_DB_PASSWORD

SELECT format('CREATE ROLE ibalagh_%s NOLOGIN', service)
FROM unnest(ARRAY['intake', 'triage', 'referral', 'stats']) AS service
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ibalagh_' || service) \gexec

CREATE ROLE intake LOGIN NOINHERIT PASSWORD :'intake' IN ROLE ibalagh_intake;
CREATE ROLE triage LOGIN NOINHERIT PASSWORD :'triage' IN ROLE ibalagh_triage;
CREATE ROLE referral LOGIN NOINHERIT PASSWORD :'referral' IN ROLE ibalagh_referral;
CREATE ROLE stats LOGIN NOINHERIT PASSWORD :'stats' IN ROLE ibalagh_stats;
