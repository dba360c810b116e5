-- A territory's numbers are counted from an index alone: the open records' rows need not be read.
CREATE INDEX hazard_counted ON hazard (site, device, mode, level, overdue, supervision, category) WHERE ended_at IS NULL;
