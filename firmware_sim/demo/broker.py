"""The broker of the demo: Mosquitto where it is installed, else amqtt with the same accounts and rights.

`python -m firmware_sim.demo.broker FOLDER PORT` is the latter, on the files written for Mosquitto.
"""

import asyncio
import logging
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
PASSWORDS, RIGHTS, CONFIGURATION = "passwords", "acl", "mosquitto.conf"

# As in deploy/mosquitto/mosquitto.conf, which explains each; address, files and account are the demo's own.
MOSQUITTO_CONF = """\
{account}persistence false
listener {port} {host}
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl
max_packet_size 270336
max_queued_messages 20000
max_inflight_messages 2000
set_tcp_nodelay true
log_dest stdout
log_timestamp_format %Y-%m-%dT%H:%M:%S
log_type error
log_type warning
log_type notice
"""


def find_mosquitto() -> str | None:
    """Path of the program, also where a system keeps it away from an ordinary user's PATH."""
    return shutil.which(
        "mosquitto",
        path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"]),
    )


def mosquitto_conf(folder: Path, port: int) -> str:
    """The configuration file for Mosquitto."""
    # As root, Mosquitto would become the user "mosquitto", who cannot read this folder.
    account = "user root\n" if os.geteuid() == 0 else ""
    return MOSQUITTO_CONF.format(account=account, host=HOST, port=port, folder=folder)


def command(folder: Path, port: int, mosquitto: str | None) -> list[str]:
    """What starts the broker: Mosquitto at that path, or with `None` the one in Python."""
    if mosquitto is not None:
        return [mosquitto, "-c", str(folder / CONFIGURATION)]
    return [sys.executable, "-m", "firmware_sim.demo.broker", str(folder), str(port)]


async def serve(folder: Path, port: int) -> None:
    """Serve with amqtt until SIGTERM or SIGINT."""
    from amqtt.broker import Broker  # noqa: PLC0415  # only where Mosquitto is missing

    plugins = "firmware_sim.demo.amqtt_plugins"
    configuration: dict[str, Any] = {
        "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
        "plugins": {
            f"{plugins}.Accounts": {"file": str(folder / PASSWORDS)},
            f"{plugins}.Rights": {"file": str(folder / RIGHTS)},
        },
    }
    broker = Broker(configuration)
    await broker.start()
    stopped = asyncio.Event()
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, stopped.set)
    await stopped.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
