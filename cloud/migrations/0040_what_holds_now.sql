-- Of a record of enforcement the last row holds, also where a correction has taken it out of the caller's scope: else whom it was
-- wrongly booked to would go on reading, and counting, what was put right. So this is asked on the programs' behalf.
CREATE FUNCTION is_corrected(measure uuid, of_seq int) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT SET sitewarden.account TO '' AS $$
    SELECT EXISTS (SELECT FROM enforcement WHERE id = measure AND seq > of_seq)
$$;
CREATE OR REPLACE VIEW enforcement_now WITH (security_invoker = true) AS
    SELECT * FROM enforcement AS one WHERE NOT is_corrected(one.id, one.seq);
