-- A device that speaks by itself is tried by what it has said lately.
ALTER TABLE device_trial
    ALTER COLUMN unit DROP NOT NULL,
    -- By what it names itself; empty of a device that is asked.
    ADD COLUMN identity text NOT NULL DEFAULT '',
    -- Its messages, raw beside what the profile makes of them.
    ADD COLUMN heard jsonb NOT NULL DEFAULT '[]',
    ADD CHECK ((unit IS NULL) = (identity <> ''));

GRANT UPDATE (heard) ON device_trial TO sitewarden_app;
