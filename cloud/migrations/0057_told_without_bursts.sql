-- Persons' ways rest with the server that sends them; whoever sends holds a lock while he lives; old notices are deleted.

ALTER TABLE channel
    -- Whose reachability it shares. By apprise each person's address is a service of its own.
    ADD COLUMN server uuid NOT NULL
        GENERATED ALWAYS AS (CASE WHEN kind = 'apprise' THEN channel ELSE coalesce(via, channel) END) STORED;
CREATE INDEX channel_server ON channel (server);

ALTER TABLE notice
    -- The number of the program that sends it, whose advisory lock is held as long as its connection is there.
    ADD COLUMN sender int;
