-- What people ask of alarms at the cloud, and what gateways say of alarms that are held back.

ALTER TABLE gateway
    -- [{point, rule, until, by, reason, request}], as its newest status told; `until` in UTC milliseconds.
    ADD COLUMN shelved jsonb NOT NULL DEFAULT '[]',
    -- {episode: state} of standing alarms that are latched, suppressed or out of service.
    ADD COLUMN states jsonb NOT NULL DEFAULT '{}',
    -- When it told so, by the cloud's clock.
    ADD COLUMN told_at timestamptz;

-- One row a request, kept for good: who asked, when, why, and what became of it.
CREATE TABLE alarm_request (
    id         uuid PRIMARY KEY,
    gateway_id int NOT NULL REFERENCES gateway,
    kind       text NOT NULL CHECK (kind IN ('acknowledge', 'shelve', 'unshelve')),
    episode    uuid NOT NULL REFERENCES episode,
    point      text NOT NULL,
    rule       text NOT NULL,
    until      timestamptz CHECK ((until IS NOT NULL) = (kind = 'shelve')),
    reason     text NOT NULL CHECK (reason <> '' OR kind <> 'shelve'),
    asked_by   text NOT NULL,
    asked_at   timestamptz NOT NULL,
    -- When its command last went to the gateway.
    sent_at    timestamptz,
    settled_at timestamptz,
    -- done: it is so; ended: the alarm had ended before; lapsed: its time had passed; replaced: by a later one.
    outcome    text CHECK (outcome IN ('done', 'ended', 'lapsed', 'replaced')),
    CHECK ((settled_at IS NULL) = (outcome IS NULL))
);
-- Asked twice is asked once; of shelving, the last word counts.
CREATE UNIQUE INDEX alarm_request_acknowledge ON alarm_request (episode)
    WHERE settled_at IS NULL AND kind = 'acknowledge';
CREATE UNIQUE INDEX alarm_request_shelf ON alarm_request (gateway_id, point, rule)
    WHERE settled_at IS NULL AND kind <> 'acknowledge';
CREATE INDEX alarm_request_of ON alarm_request (episode, asked_at);

-- The newest alarm of a rule, and alarms that ended before anybody had acknowledged them.
CREATE INDEX episode_rule ON episode (site, mode, point, rule, raised_at DESC);
CREATE INDEX episode_returned ON episode (site, mode, raised_at DESC, id DESC)
    WHERE cleared_at IS NOT NULL AND acknowledged_at IS NULL;

GRANT SELECT, INSERT ON alarm_request TO sitewarden_app;
-- What was asked, by whom and why, is never rewritten.
GRANT UPDATE (sent_at, settled_at, outcome) ON alarm_request TO sitewarden_app;
