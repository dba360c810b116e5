-- Gaps: readings that a gateway took and had to give up. Shown as gaps, never interpolated.

CREATE TABLE gap (
    gateway_id int NOT NULL REFERENCES gateway,
    -- The record that told of it and the place in it: a record that comes twice is stored once.
    boot       text NOT NULL,
    seq        bigint NOT NULL,
    place      int NOT NULL,
    from_at    timestamptz NOT NULL,
    to_at      timestamptz NOT NULL CHECK (to_at >= from_at),
    -- Readings gone; 0 where nobody can say how many.
    count      bigint NOT NULL,
    reason     text NOT NULL CHECK (reason IN ('thinned', 'evicted', 'damaged', 'disk')),
    -- By name, for a point may be gone since; empty for all points of the gateway.
    points     text[] NOT NULL,
    PRIMARY KEY (gateway_id, boot, seq, place)
);
CREATE INDEX gap_when ON gap (gateway_id, from_at, to_at);

GRANT SELECT, INSERT ON gap TO sitewarden_app;
