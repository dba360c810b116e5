"""`sitewarden edge enrol`: turn a one-time code into a name, a password and the broker's address."""

import argparse
from pathlib import Path
from typing import Any

from edge.enrolment.asking import Cloud, Enrolled
from edge.enrolment.writing import Places, places_of, write
from sitewarden.errors import SiteWardenError


def register(actions: Any, config: Path) -> None:
    """Add the action; `config` is where the configuration usually lies."""
    enrol = actions.add_parser("enrol", help="get a name and a password from the cloud by a one-time code")
    enrol.add_argument("cloud", help="address of the cloud, such as https://cloud.example.org")
    enrol.add_argument("code", help="as the cloud's page shows it, such as K7QF-3M9X-PW4T")
    enrol.add_argument("--config", type=Path, default=config, help="gateway.yaml (default: %(default)s)")
    enrol.add_argument(
        "--password-file", type=Path, help="where to write the password (default: beside the configuration)"
    )
    enrol.add_argument("--ca-file", type=Path, help="certificates that the cloud's is checked against")
    enrol.add_argument("--without-tls", action="store_true", help="for a network of your own only")
    enrol.set_defaults(run=_enrol)


def _enrol(args: argparse.Namespace) -> int:
    places = places_of(args.config.resolve(), args.password_file)
    cloud = Cloud(args.cloud, ca_file=args.ca_file, without_tls=args.without_tls)
    cloud.check_clock()
    enrolled = cloud.enrol(args.code, places.told.site, places.told.gateway)
    write(places, enrolled)
    for line in (*_done(places, enrolled), _in_force(cloud, enrolled)):
        print(line)
    return 0


def _in_force(cloud: Cloud, enrolled: Enrolled) -> str:
    try:
        cloud.say_seen(enrolled)
    except SiteWardenError as exc:
        return f"The password holds from {enrolled.in_force_at} on; the cloud could not be told sooner: {exc}"
    return "The password holds from now on, and no earlier one does: restart the agent if it runs."


def _done(places: Places, enrolled: Enrolled) -> list[str]:
    broker = enrolled.broker
    lines = [
        f"{enrolled.site}/{enrolled.gateway} is enrolled; broker {broker.host}:{broker.port}"
        + (", TLS" if broker.ca is not None else ""),
        f"The password is in {places.password}, readable by its owner alone; {places.config} names it.",
    ]
    if places.handing_over:
        lines.append(
            "The cloud says from now on what is connected, as soon as it has said it once; "
            "`configuration: {owner: file}` in the file keeps that here."
        )
    if broker.ca is None:
        lines.append("warning: the broker is reached without TLS: right on a network of your own only")
    return lines
