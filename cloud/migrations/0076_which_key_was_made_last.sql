-- Which key of unredacted pictures was made last: whoever changes it elsewhere, and does not have that one, is refused.

CREATE TABLE media_key (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- By which it is known without being known.
    number     text NOT NULL,
    changed_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON media_key TO sitewarden_app;
