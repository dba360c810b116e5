-- Why a gateway has not handed over its own file, as it says: people see on its page what is to be mended there.

ALTER TABLE gateway_own_file
    -- NULL: never told.
    ALTER COLUMN files DROP NOT NULL,
    -- NULL: nothing keeps it.
    ADD COLUMN why jsonb,
    ADD COLUMN errors jsonb NOT NULL DEFAULT '[]';
