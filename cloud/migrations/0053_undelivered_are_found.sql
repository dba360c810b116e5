-- What has reached nobody is asked for by every page of a site, of the last day.
CREATE INDEX notice_grave ON notice (created_at) WHERE level >= 3;
