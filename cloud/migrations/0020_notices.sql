-- Notices: who is told of alarms and hazards outside of the pages, and what became of each.

CREATE TABLE channel (
    channel    uuid PRIMARY KEY,
    -- NULL: of all sites.
    site       text CONSTRAINT site REFERENCES site,
    name       text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('mail', 'dingtalk', 'wecom', 'feishu', 'webhook')),
    language   text NOT NULL CHECK (language IN ('zh', 'en')),
    lowest     smallint NOT NULL CHECK (lowest BETWEEN 1 AND 4),
    is_on      boolean NOT NULL,
    -- What may be shown of where it goes: of mail its server and people, of the others the address without its secret.
    target     jsonb NOT NULL,
    removed_at timestamptz,
    version    int NOT NULL DEFAULT 1
);
CREATE INDEX channel_site ON channel (site) WHERE removed_at IS NULL;

-- Apart, so that no list, log of changes or answer can carry it by accident. Nothing reads it but what sends.
CREATE TABLE channel_secret (
    channel uuid PRIMARY KEY REFERENCES channel,
    secret  jsonb NOT NULL
);

-- How fast a channel goes and whether it answers; no change that a person made.
CREATE TABLE channel_pace (
    channel     uuid PRIMARY KEY REFERENCES channel,
    -- The minute that is being counted, from its first notice.
    minute_at   timestamptz NOT NULL,
    sent        int NOT NULL,
    -- Failures in a row, and until when it is left alone for them.
    failures    int NOT NULL DEFAULT 0,
    rests_until timestamptz
);

CREATE TABLE notice (
    notice     uuid PRIMARY KEY,
    channel    uuid NOT NULL REFERENCES channel,
    -- NULL: of no site, as a test of a channel of all sites.
    site       text REFERENCES site,
    kind       text NOT NULL CHECK (kind IN ('alarm', 'hazard', 'major', 'flood', 'test')),
    -- What it is of: a channel is told of it once.
    about      text NOT NULL,
    level      smallint NOT NULL,
    title      text NOT NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL,
    state      text NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'rejected', 'unknown', 'counted')),
    -- What the other side said, in its own words and numbers.
    code       text NOT NULL DEFAULT '',
    answer     text NOT NULL DEFAULT '',
    tries      int NOT NULL DEFAULT 0,
    tried_at   timestamptz,
    took_ms    int,
    CONSTRAINT about UNIQUE (channel, about)
);
CREATE INDEX notice_waiting ON notice (channel) WHERE state IN ('waiting', 'sending');
-- Over the bound of its minute, and not yet told of by the closing notice.
CREATE INDEX notice_counted ON notice (channel) WHERE state = 'counted' AND code = '';
CREATE INDEX notice_listed ON notice (channel, created_at DESC, notice DESC);

CREATE TRIGGER counts BEFORE UPDATE ON channel FOR EACH ROW EXECUTE FUNCTION registry_counts();
CREATE TRIGGER tells AFTER INSERT OR UPDATE ON channel FOR EACH ROW EXECUTE FUNCTION registry_tells('channel');

-- A channel of all sites is for whoever sees all sites.
CREATE FUNCTION rules_channel(account int, of text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT CASE WHEN of IS NOT NULL THEN sees_site(account, of)
                ELSE account IS NULL OR EXISTS (SELECT FROM account AS a WHERE a.id = account AND NOT a.is_scoped) END
$$;
ALTER TABLE channel ENABLE ROW LEVEL SECURITY;
-- Whoever sees a site sees that its alarms also go to those of all sites.
CREATE POLICY in_scope ON channel
    USING (coalesce(current_setting('sitewarden.account', true), '') = ''
           OR site IS NULL OR sees_site(nullif(current_setting('sitewarden.account', true), '')::int, site))
    WITH CHECK (coalesce(current_setting('sitewarden.account', true), '') = ''
           OR rules_channel(nullif(current_setting('sitewarden.account', true), '')::int, site));

GRANT SELECT, INSERT, UPDATE ON channel, channel_pace, notice TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON channel_secret TO sitewarden_app;
