-- Pictures of cameras: what alarms name, what gateways bring, and until when it is kept.

-- What the alarm went out with, by hash; or why it had none.
ALTER TABLE episode ADD COLUMN pictures jsonb NOT NULL DEFAULT '[]';
ALTER TABLE episode ADD COLUMN no_picture text;

CREATE TABLE camera_media (
    media       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    gateway_id  int NOT NULL REFERENCES gateway,
    site        text NOT NULL REFERENCES site,
    mode        text NOT NULL,
    -- The camera.
    device      text NOT NULL,
    point       text,
    -- Either may come first, the alarm or its picture.
    episode     uuid,
    -- Of a clip its snapshot.
    of_sha256   bytea CHECK (length(of_sha256) = 32),
    kind        text NOT NULL CHECK (kind IN ('snapshot', 'clip', 'still')),
    media_type  text NOT NULL,
    sha256      bytea NOT NULL CHECK (length(sha256) = 32),
    bytes       int NOT NULL CHECK (bytes > 0),
    unredacted  boolean NOT NULL,
    at          timestamptz NOT NULL,
    offered_at  timestamptz NOT NULL,
    received    int NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND bytes),
    -- Whole, and its hash was right.
    kept_at     timestamptz,
    -- Its bytes are gone, for its time was over; that it was there stays known.
    erased_at   timestamptz,
    -- Beside which record it was put as evidence.
    hazard_id   uuid REFERENCES hazard,
    UNIQUE (gateway_id, sha256)
);
CREATE INDEX camera_media_of_episode ON camera_media (episode) WHERE episode IS NOT NULL;
CREATE INDEX camera_media_stills ON camera_media (site, mode, device, at DESC) WHERE kind = 'still';
CREATE INDEX camera_media_loose ON camera_media (kept_at)
    WHERE kept_at IS NOT NULL AND hazard_id IS NULL AND erased_at IS NULL AND kind <> 'still';
CREATE INDEX camera_media_held ON camera_media (at) WHERE erased_at IS NULL;
CREATE TABLE camera_media_part (
    media     uuid NOT NULL REFERENCES camera_media ON DELETE CASCADE,
    from_byte int NOT NULL,
    content   bytea NOT NULL,
    PRIMARY KEY (media, from_byte)
);
-- JPEG and WebP do not get smaller.
ALTER TABLE camera_media_part ALTER COLUMN content SET STORAGE EXTERNAL;

-- Under which tokens for uploads are signed; made when the first is.
CREATE TABLE camera_media_key (
    the_one boolean PRIMARY KEY DEFAULT true CHECK (the_one),
    key     bytea NOT NULL CHECK (length(key) = 32)
);

CALL fence('camera_media', 'site IN (SELECT seen_whole_sites()) OR (site, device) IN (SELECT site, device FROM seen_devices())');
CALL fence('camera_media_part', 'EXISTS (SELECT FROM camera_media AS its WHERE its.media = camera_media_part.media)');
CALL fence('camera_media_key', 'false');
GRANT SELECT, INSERT, UPDATE, DELETE ON camera_media TO sitewarden_app;
GRANT SELECT, INSERT, DELETE ON camera_media_part TO sitewarden_app;
GRANT SELECT, INSERT ON camera_media_key TO sitewarden_app;
