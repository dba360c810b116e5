-- Under which key an unredacted picture rests, and for which a gateway has sealed it: keys change, and both are known by a number.

-- NULL: from before keys had numbers; each is tried.
ALTER TABLE camera_media_part ADD COLUMN key text;
ALTER TABLE evidence_file ADD COLUMN key text;
CREATE INDEX camera_media_part_sealed ON camera_media_part (key) WHERE sealed;
CREATE INDEX evidence_file_sealed ON evidence_file (key) WHERE sealed;
GRANT UPDATE (content, key) ON camera_media_part TO sitewarden_app;

-- What evidence is never changes; under which key it rests does. A seal adds as many bytes whatever the key.
CREATE FUNCTION evidence_is_only_resealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.sealed AND NEW.sealed AND NEW.sha256 = OLD.sha256 AND length(NEW.content) = length(OLD.content)
       AND NEW.key IS DISTINCT FROM OLD.key AND NEW.key IS NOT NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'evidence is never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
DROP TRIGGER final ON evidence_file;
CREATE TRIGGER final BEFORE DELETE OR TRUNCATE ON evidence_file
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_final();
CREATE TRIGGER final_row BEFORE UPDATE ON evidence_file
    FOR EACH ROW EXECUTE FUNCTION evidence_is_only_resealed();
GRANT UPDATE (content, key) ON evidence_file TO sitewarden_app;

-- For which key its gateway has sealed the file that it brings; what comes is larger than the picture then.
ALTER TABLE camera_media ADD COLUMN sealed_for text;
ALTER TABLE camera_media DROP CONSTRAINT camera_media_check;
ALTER TABLE camera_media ADD CONSTRAINT camera_media_received CHECK (
    received BETWEEN 0 AND bytes + CASE WHEN sealed_for IS NULL THEN 0 ELSE 256 END);
