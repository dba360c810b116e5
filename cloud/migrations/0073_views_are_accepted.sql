-- Of cameras whose view has moved: who has looked and says that it is right as it is now. None is rewritten.
CREATE TABLE camera_view (
    view       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    site       text NOT NULL REFERENCES site,
    mode       text NOT NULL,
    device     text NOT NULL,
    -- The still picture on which it was seen: that view is taken, and no other. It stays as long as pictures do.
    media      uuid NOT NULL REFERENCES camera_media,
    sha256     bytea NOT NULL CHECK (length(sha256) = 32),
    reason     text NOT NULL CHECK (reason <> ''),
    account_id int REFERENCES account,
    author     text NOT NULL,
    at         timestamptz NOT NULL,
    -- So long its gateway is told: later it may show something else.
    until      timestamptz NOT NULL,
    sent_at    timestamptz
);
CREATE INDEX camera_view_listed ON camera_view (site, mode, device, at DESC, view DESC);
CREATE INDEX camera_view_seen_on ON camera_view (media);
CREATE INDEX camera_view_told ON camera_view (until);
CALL fence('camera_view', 'site IN (SELECT seen_whole_sites()) OR (site, device) IN (SELECT site, device FROM seen_devices())');
GRANT SELECT, INSERT ON camera_view TO sitewarden_app;
GRANT UPDATE (sent_at) ON camera_view TO sitewarden_app;
