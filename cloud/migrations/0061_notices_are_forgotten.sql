-- Notices are deleted when they are old, and the alarms of a digest found by it.

CREATE INDEX notice_created ON notice (created_at);
CREATE INDEX notice_digest ON notice (digest) WHERE digest IS NOT NULL;
CREATE INDEX notice_instead_of ON notice (instead_of) WHERE instead_of IS NOT NULL;
CREATE INDEX told_created ON told (created_at);
GRANT DELETE ON notice, told, told_person TO sitewarden_app;
