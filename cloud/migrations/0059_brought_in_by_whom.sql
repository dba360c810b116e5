-- Of an inspection and of what was brought in the last row holds, also where a correction has taken it out of the caller's scope:
-- else the site that was named in error would go on reading, and counting, what was put right.
CREATE FUNCTION is_inspected_anew(inspection uuid, of_seq int) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT SET sitewarden.account TO '' AS $$
    SELECT EXISTS (SELECT FROM inspection AS later WHERE later.id = is_inspected_anew.inspection AND later.seq > of_seq)
$$;
CREATE OR REPLACE VIEW inspection_now WITH (security_invoker = true) AS
    SELECT * FROM inspection AS one WHERE NOT is_inspected_anew(one.id, one.seq);

CREATE FUNCTION is_brought_anew(of_kind text, of_system text, number text, of_version int) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT SET sitewarden.account TO '' AS $$
    SELECT EXISTS (SELECT FROM intake_record AS later
                    WHERE (later.kind, later.system, later.external_id) = (of_kind, of_system, number) AND later.version > of_version)
$$;
CREATE OR REPLACE VIEW intake_now WITH (security_invoker = true) AS
    SELECT * FROM intake_record AS one WHERE NOT is_brought_anew(one.kind, one.system, one.external_id, one.version);

-- The file of a row is for whoever sees that very row.
ALTER POLICY in_scope ON inspection_archive
    USING ((SELECT is_program())
           OR EXISTS (SELECT FROM inspection AS its
                       WHERE (its.id, its.seq) = (inspection_archive.inspection, inspection_archive.seq)));

-- The same number in another system is another person.
ALTER TABLE attendance DROP CONSTRAINT attendance_pkey, ADD PRIMARY KEY (site, day, person, post, system);

-- Every page of a site asks which weather is in force.
CREATE INDEX intake_record_weather ON intake_record (received_at) WHERE kind = 'weather_warnings';
