-- Photos that were taken before there is a record; filed, they become its evidence, and what is not is forgotten.
CREATE TABLE filing_photo (
    site         text NOT NULL REFERENCES site,
    account_id   int NOT NULL REFERENCES account,
    -- Of the bytes as they were sent, by which the page names them.
    given_sha256 bytea NOT NULL,
    kind         text NOT NULL,
    media_type   text NOT NULL,
    content      bytea NOT NULL,
    -- Bytes of camera's notes that were not kept.
    taken_out    int NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (site, account_id, given_sha256)
);
CREATE INDEX filing_photo_at ON filing_photo (at);
CALL fence('filing_photo', 'account_id = (SELECT caller()) AND site IN (SELECT seen_sites())');
GRANT SELECT, INSERT, UPDATE, DELETE ON filing_photo TO sitewarden_app;
