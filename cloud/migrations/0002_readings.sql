-- Readings: the natural key is (point, instant), so that a reading delivered twice is one row.
-- No foreign key: the check would cost every row of a backlog, and points are never deleted.

CREATE TABLE reading (
    point_id int NOT NULL,
    at       timestamptz NOT NULL,
    -- A whole multiple of the point's resolution.
    value    bigint,
    quality  smallint NOT NULL,
    PRIMARY KEY (point_id, at),
    -- Only a good (0) or a stale (1) reading has a value, and a good one always has.
    CHECK (CASE quality WHEN 0 THEN value IS NOT NULL WHEN 1 THEN true ELSE value IS NULL END)
);

CREATE TABLE newest (
    point_id int PRIMARY KEY,
    at       timestamptz NOT NULL,
    value    bigint,
    quality  smallint NOT NULL
) WITH (fillfactor = 50);

GRANT SELECT, INSERT ON reading TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE ON newest TO sitewarden_app;
