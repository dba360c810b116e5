"""A machine that loses its power says nothing; what it held in the database is free soon all the same."""

import ctypes
import os
import re
import socket
import struct
from contextlib import closing

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cloud.database import as_app, connect
from cloud.embedded import running
from tests.cloud.ingest.over_mqtt import wait_for
from tests.support.broker import free_port
from tests.support.postgres import QUICK

SOON = {
    "tcp_keepalives_idle": 1,
    "tcp_keepalives_interval": 1,
    "tcp_keepalives_count": 1,
    "tcp_user_timeout": 1000,
    "client_connection_check_interval": 200,
}
_ATTACH_FILTER, _DROP = 26, struct.pack("HBBI", 0x06, 0, 0, 0)
"""Of Linux; a filter that lets no byte of any packet through."""


def lose_power(connection: psycopg.Connection) -> None:
    """Nothing that comes for this socket is answered any more, by no acknowledgement either."""
    code = ctypes.create_string_buffer(_DROP)
    with socket.socket(fileno=os.dup(connection.fileno())) as its:
        # Nor does its own system ask.
        its.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
        its.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(code)))


def held(connection: psycopg.Connection) -> int:
    (n,) = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
    return n


def test_locks_of_a_machine_that_is_gone_are_free_soon_also_where_its_query_runs(folder, monkeypatch):
    port = free_port()
    monkeypatch.setenv("PGPORT", str(port))
    options = {**QUICK, "listen_addresses": "127.0.0.1", "port": str(port)}
    with running(folder / "data", options=options) as server:
        of_ours = " ".join(f"-c {name}={value}" for name, value in SOON.items())
        dsn = make_conninfo(server.app_dsn(), host="127.0.0.1", options=of_ours)
        with connect(dsn) as looking, closing(connect(dsn)) as idle, closing(connect(dsn)) as busy:
            idle.execute("SELECT pg_advisory_lock(1)")
            busy.pgconn.send_query(b"SELECT pg_advisory_lock(2), pg_sleep(600)")
            busy.pgconn.flush()
            wait_for(lambda: held(looking) == 2, "the locks to be taken")
            for gone in (idle, busy):
                lose_power(gone)
            wait_for(lambda: held(looking) == 0, "the locks to be free")


def test_each_side_gives_the_other_up_in_half_a_minute(dsn):
    options = str(conninfo_to_dict(as_app(dsn))["options"])
    ours = {name: int(value) for name, value in re.findall(r"-c (\w+)=(\d+)", options)}
    silent_s = ours["tcp_keepalives_idle"] + ours["tcp_keepalives_interval"] * ours["tcp_keepalives_count"]
    assert silent_s + ours["client_connection_check_interval"] / 1000 < 60
    assert ours["tcp_user_timeout"] <= 30_000
    with connect(make_conninfo(dsn, options="-c client_connection_check_interval=0")) as connection:
        assert connection.execute("SHOW client_connection_check_interval").fetchone() == ("0",)
