-- What pages show of something that is silent: what it said last that could be believed, and since when not.
ALTER TABLE newest
    ADD COLUMN good_at    timestamptz,
    ADD COLUMN good_value bigint;
UPDATE newest SET good_at = at, good_value = value WHERE quality = 0 AND at > 'epoch';

-- How a gateway itself fares, as its newest status told, and by how much its clock is ahead of the cloud's.
ALTER TABLE gateway
    ADD COLUMN health          jsonb,
    ADD COLUMN clock_offset_ms bigint;
