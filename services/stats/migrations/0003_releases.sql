-- What was published.

CREATE TABLE releases (
    first_day date        NOT NULL,
    last_day  date        NOT NULL,
    number    integer     NOT NULL CHECK (number > 0),
    made_at   timestamptz NOT NULL,
    document  bytea       NOT NULL,
    cells     jsonb       NOT NULL,
    PRIMARY KEY (first_day, last_day, number),
    CHECK (first_day <= last_day)
);
COMMENT ON TABLE releases IS 'Communiqués as they were published, each correction of a period with the next number';
COMMENT ON COLUMN releases.document IS 'The signed document, byte for byte';
COMMENT ON COLUMN releases.cells IS 'The cells that it was made of, nothing left out: to explain a correction; never published';

CREATE TABLE snapshots (
    day      date  NOT NULL PRIMARY KEY,
    document bytea NOT NULL
);
COMMENT ON TABLE snapshots IS 'The public days, made once for each civil day and the same for everybody';
