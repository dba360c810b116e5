-- How notices go out: more kinds of channels, a second channel, storms folded into one notice, silent gateways.

ALTER TABLE channel
    DROP CONSTRAINT channel_kind_check,
    ADD CONSTRAINT channel_kind_check
        CHECK (kind IN ('mail', 'dingtalk', 'wecom', 'feishu', 'webhook', 'sms', 'voice', 'apprise')),
    -- What takes its notices over where this one refuses them, says nothing or rests.
    ADD COLUMN fallback uuid CONSTRAINT fallback REFERENCES channel CHECK (fallback <> channel);

-- Which kinds there are is the programs' table of who is told.
ALTER TABLE notice
    DROP CONSTRAINT IF EXISTS notice_kind_check,
    DROP CONSTRAINT notice_state_check,
    -- Inhibited: `code` and `answer` name the cause.
    ADD CONSTRAINT notice_state_check
        CHECK (state IN ('waiting', 'sending', 'sent', 'rejected', 'unknown', 'counted', 'inhibited')),
    -- Of an alarm's first notice: what it is of, by which a storm is folded.
    ADD COLUMN episode    uuid REFERENCES episode,
    ADD COLUMN device     text,
    ADD COLUMN family     text,
    -- Until then it waits for more of its kind; NULL: it goes at once.
    ADD COLUMN held_until timestamptz,
    -- The notice that tells of this one together with others.
    ADD COLUMN digest     uuid,
    -- The notice of another channel in whose stead this one goes.
    ADD COLUMN instead_of uuid REFERENCES notice;
CREATE INDEX notice_held ON notice (held_until) WHERE state = 'waiting' AND held_until IS NOT NULL;
CREATE INDEX notice_of_device ON notice (channel, site, device, created_at DESC) WHERE device IS NOT NULL;
CREATE INDEX notice_of_thing ON notice (about);

-- A gateway of which nothing is heard: one row a silence, kept for good.
CREATE TABLE gateway_silence (
    silence    uuid PRIMARY KEY,
    site       text NOT NULL REFERENCES site,
    gateway_id int NOT NULL REFERENCES gateway,
    -- When it was last heard, by the cloud's clock.
    since      timestamptz NOT NULL,
    noted_at   timestamptz NOT NULL,
    -- When it was heard again.
    ended_at   timestamptz
);
CREATE UNIQUE INDEX gateway_silent ON gateway_silence (gateway_id) WHERE ended_at IS NULL;
CREATE INDEX gateway_was_silent ON gateway_silence (gateway_id, since DESC);
CALL fence('gateway_silence', 'site IN (SELECT seen_sites())');

GRANT SELECT, INSERT, UPDATE ON gateway_silence TO sitewarden_app;
