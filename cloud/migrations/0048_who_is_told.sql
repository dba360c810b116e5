-- Who is told: persons beside channels, what each was told of, and who has said that he knows.

-- A way of a person: his own channel, sent by the server and credentials of another. Where it goes stands in its secret (`to`), so
-- that no list, log of changes or answer carries a number or an address of a person.
ALTER TABLE channel
    ADD COLUMN account_id int REFERENCES account,
    ADD COLUMN via        uuid REFERENCES channel,
    -- What may be shown of where it goes, such as 138****0000.
    ADD COLUMN masked     text NOT NULL DEFAULT '',
    -- That it is his he has proved by a code that was sent there.
    ADD COLUMN proved_at  timestamptz,
    -- The first that works is taken.
    ADD COLUMN position   int NOT NULL DEFAULT 0,
    -- Of a channel without an account: whether persons may be told by it.
    ADD COLUMN for_people boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT channel_via CHECK ((account_id IS NULL) = (via IS NULL));
CREATE INDEX channel_account ON channel (account_id) WHERE account_id IS NOT NULL AND removed_at IS NULL;

-- The code that was sent to a way, hashed, and how often it was typed wrong.
CREATE TABLE way_proof (
    channel    uuid PRIMARY KEY REFERENCES channel,
    code_hash  bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    tries      int NOT NULL DEFAULT 0
);

-- A thing that persons are told of, once. What waits for somebody who says that he knows has an instant at which the next are told.
CREATE TABLE told (
    told       uuid PRIMARY KEY,
    kind       text NOT NULL,
    about      text NOT NULL CONSTRAINT told_about UNIQUE,
    site       text REFERENCES site,
    node       int REFERENCES tree_node,
    device     text,
    -- Of an alarm.
    episode    uuid,
    level      smallint NOT NULL,
    -- By language: {"zh": {"title", "body"}, "en": …}.
    words      jsonb NOT NULL,
    -- The view that it speaks of, such as /hazards/…
    page       text NOT NULL,
    created_at timestamptz NOT NULL,
    -- How many steps of its chain have been told beyond the first, and when the next is due; NULL: nothing more comes.
    step       int NOT NULL DEFAULT 0,
    due_at     timestamptz,
    -- Nobody: the chain is at its end, and nobody has said that he knows.
    ended      text CHECK (ended IN ('acknowledged', 'nobody')),
    acknowledged_at timestamptz,
    acknowledged_by text NOT NULL DEFAULT '',
    -- Whoever was told, of whatever step; for the fence.
    accounts   int[] NOT NULL DEFAULT '{}',
    -- Roles that the table names and that nobody holds there.
    unheld     text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX told_due ON told (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX told_site ON told (site, created_at DESC, told DESC);

CREATE TABLE told_person (
    told       uuid NOT NULL REFERENCES told,
    account_id int NOT NULL REFERENCES account,
    step       int NOT NULL,
    roles      text[] NOT NULL,
    -- Whether there was any way beyond the pages to tell him.
    is_reached boolean NOT NULL,
    -- The table asks for who is on duty, and the rota had nobody.
    stands_in  boolean NOT NULL DEFAULT false,
    at         timestamptz NOT NULL,
    -- Until when the link in his message may be used; NULL: there is none to use.
    expires_at timestamptz,
    used_at    timestamptz,
    used_from  inet,
    -- link: without signing in; page: signed in.
    used_how   text CHECK (used_how IN ('link', 'page')),
    PRIMARY KEY (told, account_id, step)
);
CREATE INDEX told_person_inbox ON told_person (account_id, at DESC, told DESC);

ALTER TABLE notice
    ADD COLUMN account_id int REFERENCES account,
    ADD COLUMN told       uuid REFERENCES told,
    ADD COLUMN step       int,
    -- Which kinds there are, and who is told of each, is data (cloud/notices/telling.yaml).
    DROP CONSTRAINT IF EXISTS notice_kind_check;
CREATE INDEX notice_told ON notice (told) WHERE told IS NOT NULL;

-- What links are signed with; made by whoever needs it first.
CREATE TABLE told_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key bytea NOT NULL CHECK (length(key) = 32)
);

-- Who is on duty: for a role at a site or in a territory or enterprise. `week` holds shifts [{days, from, to, account}], by the
-- local time of `time_zone`; one that ends no later than it begins goes on into the next day.
CREATE TABLE rota (
    rota      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site      text CONSTRAINT site REFERENCES site,
    node      int CONSTRAINT node REFERENCES tree_node,
    role      text NOT NULL,
    time_zone text NOT NULL,
    week      jsonb NOT NULL,
    version   int NOT NULL DEFAULT 1,
    author    text NOT NULL,
    at        timestamptz NOT NULL,
    removed_at timestamptz,
    CHECK (num_nonnulls(site, node) = 1)
);
CREATE UNIQUE INDEX rota_of_site ON rota (site, role) WHERE site IS NOT NULL AND removed_at IS NULL;
CREATE UNIQUE INDEX rota_of_node ON rota (node, role) WHERE node IS NOT NULL AND removed_at IS NULL;

-- In place of the pattern; the later word holds. Nobody: a shift that is called off.
CREATE TABLE rota_override (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rota       int NOT NULL REFERENCES rota,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL CHECK (ends_at > starts_at),
    account_id int REFERENCES account,
    reason     text NOT NULL CHECK (reason <> ''),
    author     text NOT NULL,
    at         timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE INDEX rota_override_of ON rota_override (rota, ends_at) WHERE removed_at IS NULL;

-- Whoever keeps a copy of the sites also keeps whether anybody might be told.
CREATE TRIGGER known_sites_changed AFTER INSERT OR UPDATE OR DELETE ON assignment
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();

-- A person's way is changed by himself alone; that he has one, whoever looks at a notice may know.
ALTER POLICY in_scope ON channel
    WITH CHECK ((SELECT is_program()) OR (account_id IS NULL AND rules_channel(caller(), site)) OR account_id = caller());
CALL fence('told', '(SELECT caller()) = ANY (accounts) OR site IN (SELECT seen_whole_sites()) OR node IN (SELECT ruled_nodes())');
CALL fence('told_person', 'account_id = (SELECT caller()) OR EXISTS (SELECT FROM told WHERE told.told = told_person.told)');
CALL fence('rota', 'site IN (SELECT seen_sites()) OR node IN (SELECT ruled_nodes())');
CALL fence('rota_override', 'EXISTS (SELECT FROM rota WHERE rota.rota = rota_override.rota)');
GRANT SELECT, INSERT, UPDATE ON told, told_person, rota, rota_override TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON way_proof TO sitewarden_app;
GRANT SELECT, INSERT ON told_key TO sitewarden_app;
