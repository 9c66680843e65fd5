-- The clock that runs on a case: how long its service has to accept it, or to act on it first. A case has one at most, so
-- it lies in the case's own row: what opens a case writes no row more, and what changes it writes both at once.

ALTER TABLE cases
    ADD COLUMN clock            text,
    ADD COLUMN clock_started_at timestamptz,
    ADD COLUMN clock_warns_at   timestamptz,
    ADD COLUMN clock_due_at     timestamptz,
    ADD COLUMN clock_level      smallint,
    ADD COLUMN clock_strikes_at timestamptz,
    ADD CONSTRAINT cases_clock_whole CHECK (
        num_nonnulls(clock, clock_started_at, clock_warns_at, clock_due_at, clock_level)
        = CASE WHEN clock IS NULL THEN 0 ELSE 5 END);
COMMENT ON COLUMN cases.clock IS 'What the case waits for; null where nothing is waited for';
COMMENT ON COLUMN cases.clock_level IS 'What was said of it: 0 nothing, 1 a warning, 2 that the time is up';
COMMENT ON COLUMN cases.clock_strikes_at IS 'When the timer asks about it next; null once all is said';

CREATE INDEX cases_clock_strikes ON cases (clock_strikes_at) WHERE clock_strikes_at IS NOT NULL;
CREATE INDEX cases_inbox ON cases (service, clock_due_at, number) WHERE clock_due_at IS NOT NULL;

-- Cases from before there were clocks get the time that a new one would have, by days of the calendar: twelve hold eight
-- working days whatever the week, and four hold two.
UPDATE cases
SET clock = CASE state WHEN 'accepted' THEN 'first_action' ELSE 'acceptance' END,
    clock_started_at = now(),
    clock_due_at = now() + CASE urgency WHEN 3 THEN interval '1 hour' WHEN 2 THEN interval '4 days' ELSE interval '12 days' END,
    clock_warns_at = now() + CASE urgency WHEN 3 THEN interval '45 minutes' WHEN 2 THEN interval '3 days' ELSE interval '9 days' END,
    clock_level = 0
WHERE state IN ('referred', 'declined', 'accepted');
UPDATE cases SET clock_strikes_at = clock_warns_at WHERE clock IS NOT NULL;
