-- Devices on trial (试运行): their alarms are marked, and call nobody.
ALTER TABLE device
    ADD COLUMN commissioning text NOT NULL DEFAULT 'in_use' CHECK (commissioning IN ('trial', 'in_use'));
ALTER TABLE episode
    ADD COLUMN test  boolean NOT NULL DEFAULT false,
    -- Why it was cleared although nothing says that the danger is over.
    ADD COLUMN ended text CHECK (ended IN ('orphaned', 'in_use', 'trial'));

-- A device tried over its gateway, before anybody relies on it: one row a trial, kept for good.
CREATE TABLE device_trial (
    id         uuid PRIMARY KEY,
    gateway_id int NOT NULL REFERENCES gateway,
    kind       text NOT NULL CHECK (kind IN ('read', 'conformance')),
    bus        text NOT NULL,
    unit       int NOT NULL,
    profile    text NOT NULL,
    seconds    int NOT NULL,
    asked_by   text NOT NULL,
    asked_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- When it last went to the gateway.
    sent_at    timestamptz,
    -- lapsed: the gateway said nothing of it in time.
    state      text NOT NULL DEFAULT 'asked'
               CHECK (state IN ('asked', 'running', 'done', 'refused', 'failed', 'lapsed')),
    told_at    timestamptz,
    why        jsonb,
    report     jsonb
);
-- At most one at a time on a gateway.
CREATE UNIQUE INDEX device_trial_under_way ON device_trial (gateway_id) WHERE state IN ('asked', 'running');
CREATE INDEX device_trial_of ON device_trial (gateway_id, asked_at DESC);

GRANT SELECT, INSERT ON device_trial TO sitewarden_app;
-- What was asked, and by whom, is never rewritten.
GRANT UPDATE (sent_at, state, told_at, why, report) ON device_trial TO sitewarden_app;
