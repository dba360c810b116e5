-- Who looked at pictures that show people as they are, and who took cut-outs of alarms away; and how such pictures rest.

-- One row for each time such a picture was given out, and for each camera of an export: written before the bytes go.
CREATE TABLE picture_look (
    look       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    at         timestamptz NOT NULL,
    site       text NOT NULL REFERENCES site,
    mode       text NOT NULL,
    -- The camera; NULL of an export that found nothing at any.
    device     text,
    what       text NOT NULL CHECK (what IN ('snapshot', 'clip', 'still', 'cut_outs')),
    -- So many; of an export as many as are in it.
    pictures   int NOT NULL CHECK (pictures >= 0),
    sha256     bytea CHECK (length(sha256) = 32),
    taken_at   timestamptz,
    -- Where it was seen as evidence.
    hazard_id  uuid REFERENCES hazard,
    account_id int REFERENCES account,
    author     text NOT NULL,
    -- By a program of that account.
    api_token  int
);
CREATE INDEX picture_look_listed ON picture_look (site, mode, at DESC, look DESC);
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON picture_look
    FOR EACH STATEMENT EXECUTE FUNCTION is_kept_for_good();
ALTER TABLE picture_look ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- Whoever looks is noted, also where he may not read the notes.
CREATE POLICY in_scope ON picture_look
    USING ((SELECT is_program()) OR site IN (SELECT seen_whole_sites())
           OR (site, device) IN (SELECT site, device FROM seen_devices()))
    WITH CHECK (true);
GRANT SELECT, INSERT ON picture_look TO sitewarden_app;

-- Unredacted pictures rest encrypted (AES-256-GCM) under a key outside of the database.
ALTER TABLE camera_media_part ADD COLUMN sealed boolean NOT NULL DEFAULT false;
ALTER TABLE evidence_file ADD COLUMN sealed boolean NOT NULL DEFAULT false;
ALTER TABLE evidence_file DROP CONSTRAINT evidence_file_check;
-- What is sealed is bound to its hash by the seal itself.
ALTER TABLE evidence_file ADD CONSTRAINT evidence_file_check CHECK (sealed OR sha256 = sha256(content)) NOT VALID;

-- The same bytes from two cameras are two pictures: each is seen, counted and erased as its own camera's.
ALTER TABLE camera_media DROP CONSTRAINT camera_media_gateway_id_sha256_key;
ALTER TABLE camera_media ADD CONSTRAINT camera_media_of_camera UNIQUE (gateway_id, sha256, device);
