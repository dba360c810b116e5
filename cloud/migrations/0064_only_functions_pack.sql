-- Readings are changed by nobody, and removed by retention alone: the programs may no longer write where they are
-- packed, but by the functions that pack, store late and forget.

-- only: plain
-- Let go of packed and late readings from before raw_from, at most so many rows of each; how many it were.
CREATE FUNCTION forget_packed(most int) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    before timestamptz := (SELECT raw_from FROM storage);
    packed bigint;
    late   bigint;
BEGIN
    DELETE FROM reading_packed WHERE ctid = ANY (ARRAY(SELECT ctid FROM reading_packed WHERE hour < before LIMIT most));
    GET DIAGNOSTICS packed = ROW_COUNT;
    DELETE FROM reading_late WHERE ctid = ANY (ARRAY(SELECT ctid FROM reading_late WHERE at < before LIMIT most));
    GET DIAGNOSTICS late = ROW_COUNT;
    RETURN packed + late;
END $$;

ALTER FUNCTION pack_day(date) SECURITY DEFINER;
ALTER FUNCTION pack_day(date) SET search_path FROM CURRENT;
ALTER FUNCTION pack_late(int) SECURITY DEFINER;
ALTER FUNCTION pack_late(int) SET search_path FROM CURRENT;
ALTER FUNCTION store_late(int[], timestamptz[], bigint[], smallint[]) SECURITY DEFINER;
ALTER FUNCTION store_late(int[], timestamptz[], bigint[], smallint[]) SET search_path FROM CURRENT;
REVOKE INSERT, UPDATE, DELETE ON reading_packed, reading_late FROM sitewarden_app;
-- end
