-- Which reports have which indicator, and what people ruled about links. A link itself is no row: two reports that have
-- a key in common are linked, unless a person ruled otherwise.

CREATE TABLE link_keys (
    key       uuid NOT NULL,
    report_id uuid NOT NULL,
    PRIMARY KEY (key, report_id)
);
COMMENT ON TABLE link_keys IS 'Report ids begin with the time, so the first row of a key is its oldest report';

CREATE TABLE link_rulings (
    report_id  uuid        NOT NULL,
    number     integer     NOT NULL,
    target     uuid        NOT NULL,
    by_key     boolean     NOT NULL,
    verdict    text        NOT NULL CHECK (verdict IN ('linked', 'unlinked')),
    actor      text        NOT NULL,
    reason     text        NOT NULL,
    ruled_at   timestamptz NOT NULL,
    PRIMARY KEY (report_id, number)
);
COMMENT ON TABLE link_rulings IS 'Of a ruling about two reports there are two rows; the highest number of a target holds';
COMMENT ON COLUMN link_rulings.target IS 'The other report, or if by_key the key that the report is taken from or given back to';

-- Campaigns: open reports that share an indicator or a text are one item of the queue, the others wait behind it.

ALTER TABLE items DROP CONSTRAINT items_state_check;
ALTER TABLE items ADD CONSTRAINT items_state_check CHECK (state IN ('open', 'copy', 'decided', 'straight'));
COMMENT ON COLUMN items.state IS
    'open: a person must decide; copy: so too, behind the open report that stands for its campaign; decided: a person '
    'did; straight: the machine was sure';

CREATE TABLE campaign_keys (
    key         uuid NOT NULL PRIMARY KEY,
    campaign_id uuid NOT NULL
);
COMMENT ON TABLE campaign_keys IS 'Keys of texts and indicators of reports that came open; the campaign is the first such report';

CREATE TABLE campaigns (
    campaign_id uuid    NOT NULL PRIMARY KEY,
    reports     integer NOT NULL,
    waiting     integer NOT NULL,
    head        uuid,
    decided     text
);
COMMENT ON TABLE campaigns IS 'Written with the second report of a campaign; before it, a report is alone';
COMMENT ON COLUMN campaigns.waiting IS 'How many of its reports wait for a person';
COMMENT ON COLUMN campaigns.head IS 'The open report that stands for all that wait';
COMMENT ON COLUMN campaigns.decided IS 'JSON: how the latest of its reports was decided, by whom';

CREATE TABLE campaign_members (
    campaign_id uuid    NOT NULL,
    number      integer NOT NULL,
    report_id   uuid    NOT NULL UNIQUE,
    PRIMARY KEY (campaign_id, number)
);
COMMENT ON COLUMN campaign_members.number IS 'From 1, in the order in which they came: what a person froze ends at a number';

CREATE TABLE sketch_bands (
    band      bigint NOT NULL,
    report_id uuid   NOT NULL,
    PRIMARY KEY (band, report_id)
);
COMMENT ON TABLE sketch_bands IS 'Of reports that came open and stand for themselves: texts that share bands resemble each other';
