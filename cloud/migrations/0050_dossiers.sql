-- What is put together about an accident or a hazard that was not rectified in time, for whoever asks later.

-- Never changed: what is put together again, with what is known by then, is a further version.
CREATE TABLE dossier (
    dossier     uuid PRIMARY KEY,
    -- Attendance of the key posts in the three months before (倒查考勤), or all that is known of an incident (事故资料包).
    kind        text NOT NULL CHECK (kind IN ('attendance_trace', 'incident_package')),
    site        text NOT NULL CONSTRAINT site REFERENCES site,
    hazard_id   uuid REFERENCES hazard,
    incident_id uuid REFERENCES incident,
    version     int NOT NULL CHECK (version >= 1),
    -- The instant of what it is put together for: the incident, or since when the hazard is overdue.
    of_at       timestamptz NOT NULL,
    -- Of a trace canonical JSON, of a package the archive (zip).
    content     bytea NOT NULL,
    sha256      bytea NOT NULL CHECK (sha256 = sha256(content)),
    -- Over what it says, without when it was made: who asks again for the same gets the same.
    facts       bytea NOT NULL,
    made_at     timestamptz NOT NULL,
    author      text NOT NULL,
    -- NULL: the machine, because it was due.
    account_id  int REFERENCES account,
    CHECK (num_nonnulls(hazard_id, incident_id) = 1)
);
CREATE UNIQUE INDEX dossier_of_incident ON dossier (incident_id, kind, version) WHERE incident_id IS NOT NULL;
CREATE UNIQUE INDEX dossier_of_hazard ON dossier (hazard_id, kind, version) WHERE hazard_id IS NOT NULL;
CREATE FUNCTION dossier_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was put together is never changed or removed: a further version is made'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON dossier
    FOR EACH STATEMENT EXECUTE FUNCTION dossier_is_final();
CALL fence('dossier', 'site IN (SELECT seen_whole_sites())');
GRANT SELECT, INSERT ON dossier TO sitewarden_app;

-- Who looks every few seconds for what is overdue looks at nothing else.
CREATE INDEX hazard_overdue_major ON hazard (id) WHERE overdue AND level = 'major' AND mode = 'live' AND ended_at IS NULL;
