-- What viewers follow, and what could not be understood.

-- Ids ascend in the order of commits (the writers take an advisory lock first), so "after id N" misses nothing.
CREATE TABLE live_event (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('alarm', 'hazard')),
    at   timestamptz NOT NULL,
    -- JSON as it goes out: rendered once, not once a viewer.
    body text NOT NULL
);

-- Bounded: the oldest rows go; the counters below stay exact.
CREATE TABLE dead_letter (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL,
    topic       text NOT NULL,
    reason      text NOT NULL,
    detail      text NOT NULL,
    boot        text,
    seq         bigint,
    body        bytea NOT NULL,
    -- SHA-256 over topic and body: a message sent again is the same dead letter.
    digest      bytea NOT NULL UNIQUE
);

CREATE TABLE dead_letter_count (
    -- Empty where no known site could be read from the topic.
    site   text NOT NULL,
    reason text NOT NULL,
    n      bigint NOT NULL,
    PRIMARY KEY (site, reason)
);

GRANT SELECT, INSERT, DELETE ON live_event, dead_letter TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE ON dead_letter_count TO sitewarden_app;
