-- What a back-test and a replay must know of a device beside its points: unit, load chart, parameters, zero.

-- As its gateway's birth has it; empty from gateways older than this.
ALTER TABLE device ADD COLUMN setup jsonb NOT NULL DEFAULT '{}';
