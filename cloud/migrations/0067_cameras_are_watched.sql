-- Cameras: who wants to see boxes now, the newest boxes, and what people say of cameras' alarms.

-- Forgotten by itself: nobody watches for longer than a page asks.
CREATE TABLE camera_watch (
    site       text NOT NULL REFERENCES site,
    mode       text NOT NULL,
    device     text NOT NULL,
    until      timestamptz NOT NULL,
    -- Until when the gateway was told to go on; null before it was told.
    told_until timestamptz,
    PRIMARY KEY (site, mode, device)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON camera_watch TO sitewarden_app;

-- The newest only; what a crash loses comes again within a second.
CREATE UNLOGGED TABLE camera_sight (
    site        text NOT NULL,
    mode        text NOT NULL,
    device      text NOT NULL,
    -- By the gateway's clock, and by ours.
    at          timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    heads       jsonb NOT NULL,
    PRIMARY KEY (site, mode, device)
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE ON camera_sight TO sitewarden_app;

-- What somebody thinks of a camera's alarm. The last counts, none is rewritten.
CREATE TABLE camera_review (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    episode    uuid NOT NULL REFERENCES episode,
    verdict    text NOT NULL CHECK (verdict IN ('right', 'wrong', 'unclear')),
    note       text NOT NULL,
    account_id int REFERENCES account,
    author     text NOT NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX camera_review_of ON camera_review (episode, id DESC);
GRANT SELECT, INSERT ON camera_review TO sitewarden_app;

CREATE INDEX episode_of_cameras ON episode (site, mode, raised_at DESC, id DESC) WHERE kind LIKE 'vision.%';

CALL fence('camera_watch', 'site IN (SELECT seen_whole_sites()) OR (site, device) IN (SELECT site, device FROM seen_devices())');
CALL fence('camera_sight', 'site IN (SELECT seen_whole_sites()) OR (site, device) IN (SELECT site, device FROM seen_devices())');
CALL fence('camera_review', 'EXISTS (SELECT FROM episode WHERE episode.id = camera_review.episode)');
