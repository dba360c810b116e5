-- What a snapshot of an alarm shows, as its gateway says: where the head is that it is about, and where others are.
ALTER TABLE camera_media ADD COLUMN about jsonb;

-- Of a wrong alarm what there was instead, where somebody says so: from that a site's own training learns.
ALTER TABLE camera_review ADD COLUMN shows text
    CHECK (shows IS NULL OR shows IN ('helmet', 'nothing') AND verdict = 'wrong');
