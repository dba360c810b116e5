-- Files of histories lie in the database until their time is over: whichever process made one, any of them gives it out.
-- Unlogged, for they can be made again: nothing of them goes to replicas or backups, and after a crash they are gone.
CREATE UNLOGGED TABLE history_export_part (
    export    uuid NOT NULL REFERENCES history_export ON DELETE CASCADE,
    -- Whose: of writers that took over from one another only the last one's count.
    tries     int NOT NULL,
    from_byte bigint NOT NULL CHECK (from_byte >= 0),
    content   bytea NOT NULL,
    PRIMARY KEY (export, tries, from_byte)
);
-- Parquet does not get smaller, and a part is read as a whole.
ALTER TABLE history_export_part ALTER COLUMN content SET STORAGE EXTERNAL;
CALL fence('history_export_part', 'EXISTS (SELECT FROM history_export AS its WHERE its.id = history_export_part.export)');
GRANT SELECT, INSERT, DELETE ON history_export_part TO sitewarden_app;
