-- Work cycles (工作循环): each lift of a crane once, however often it is told. JGJ 332 asks for the latest
-- 16 000 of a crane with their times; none is deleted.

CREATE TABLE work_cycle (
    site              text NOT NULL REFERENCES site,
    mode              text NOT NULL,
    device            text NOT NULL,
    started_at        timestamptz NOT NULL,
    ended_at          timestamptz NOT NULL CHECK (ended_at >= started_at),
    gateway_id        int NOT NULL REFERENCES gateway,
    -- t, %, t·m, %; what no sensor told is NULL, here and below.
    peak_load         double precision NOT NULL,
    peak_load_ratio   double precision,
    peak_moment       double precision,
    peak_moment_ratio double precision,
    -- Where the load was taken up and set down: m, °, m.
    picked_radius     double precision,
    picked_slew       double precision,
    picked_height     double precision,
    set_down_radius   double precision,
    set_down_slew     double precision,
    set_down_height   double precision,
    -- The load was lost from sight before it was set down.
    broken_off        boolean NOT NULL,
    clock             text NOT NULL,
    received_at       timestamptz NOT NULL,
    PRIMARY KEY (site, mode, device, started_at)
);
CREATE INDEX work_cycle_listed ON work_cycle (site, mode, started_at DESC, device DESC);

GRANT SELECT, INSERT ON work_cycle TO sitewarden_app;
