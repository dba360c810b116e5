-- Approved reports and packages of incidents that are handed in by mail. What became of each stands in its notice.

CREATE TABLE mailing (
    mailing     uuid PRIMARY KEY,
    -- It is sent as this notice; the file itself is made when it is sent, and kept nowhere a second time.
    notice      uuid NOT NULL UNIQUE REFERENCES notice,
    report      uuid,
    version     int,
    format      text CHECK (format IN ('xlsx', 'csv')),
    dossier     uuid REFERENCES dossier,
    -- Of what is kept, as it was when somebody asked for it: only that is sent.
    sha256      bytea NOT NULL CHECK (length(sha256) = 32),
    name        text NOT NULL,
    recipients  text[] NOT NULL CHECK (cardinality(recipients) BETWEEN 1 AND 20),
    -- Of the file that the mail server took; NULL: it has taken none.
    file_sha256 bytea CHECK (length(file_sha256) = 32),
    made_at     timestamptz NOT NULL,
    author      text NOT NULL,
    account_id  int REFERENCES account,
    role        text NOT NULL,
    FOREIGN KEY (report, version) REFERENCES report_version,
    CHECK (num_nonnulls(report, dossier) = 1),
    CHECK (num_nulls(report, version, format) IN (0, 3))
);
CREATE INDEX mailing_of_report ON mailing (report, made_at DESC) WHERE report IS NOT NULL;
CREATE INDEX mailing_of_dossier ON mailing (dossier, made_at DESC) WHERE dossier IS NOT NULL;
CALL fence('mailing', 'EXISTS (SELECT FROM report WHERE report.report = mailing.report) OR EXISTS (SELECT FROM dossier WHERE dossier.dossier = mailing.dossier)');
GRANT SELECT, INSERT, UPDATE ON mailing TO sitewarden_app;
