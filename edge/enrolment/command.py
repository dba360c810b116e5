"""`sitewarden edge enrol`: turn a one-time code into a name, a password or certificate, and the broker."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.enrolment.asking import Cloud, Enrolled
from edge.enrolment.writing import Places, Renewed, places_of, write
from sitewarden.errors import SiteWardenError

if TYPE_CHECKING:
    from edge.enrolment.keys import Identity


def register(actions: Any, config: Path) -> None:
    """Add the action; `config` is where the configuration usually lies."""
    enrol = actions.add_parser("enrol", help="be let in by the cloud, by a one-time code")
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
    from edge.enrolment.keys import NewKey  # noqa: PLC0415  of the agent's commands only this one makes keys

    places = places_of(args.config.resolve(), args.password_file)
    cloud = Cloud(args.cloud, ca_file=args.ca_file, without_tls=args.without_tls)
    cloud.check_clock()
    key = NewKey()
    enrolled = cloud.enrol(args.code, places.told.site, places.told.gateway, key.request())
    identity = (
        None if enrolled.certificate is None else key.with_certificate(enrolled.certificate.certificate)
    )
    ca = None if args.ca_file is None else args.ca_file.read_text(encoding="utf-8")
    write(places, enrolled, Renewed(args.cloud, ca), None if identity is None else identity.pem)
    for line in (*_done(places, enrolled), _in_force(cloud, enrolled, identity)):
        print(line)
    return 0


def _in_force(cloud: Cloud, enrolled: Enrolled, identity: "Identity | None") -> str:
    """Say that it arrived, and what that means for an agent that runs."""
    from edge.enrolment.renewing import seen_text  # noqa: PLC0415

    runs = (
        "an agent that runs takes it over by itself, but must be restarted where the broker's address is new"
    )
    try:
        if identity is None:
            cloud.say_seen(enrolled)
        else:
            cloud.say_seen_certificate(identity.serial, identity.sign(seen_text(identity)))
    except SiteWardenError as exc:
        if identity is not None:
            return f"The certificate holds, and {runs}; the cloud could not be told that it is here: {exc}"
        return f"The password holds from {enrolled.in_force_at} on; the cloud could not be told sooner: {exc}"
    what = "password" if identity is None else "certificate"
    return f"The {what} holds from now on, and nothing from before does: {runs}."


def _done(places: Places, enrolled: Enrolled) -> list[str]:
    broker = enrolled.broker
    lines = [
        f"{enrolled.site}/{enrolled.gateway} is enrolled; broker {broker.host}:{broker.port}"
        + (", TLS" if broker.ca is not None else "")
    ]
    if enrolled.certificate is not None:
        where, until = places.certificate, enrolled.certificate.ends_at
        lines += [
            f"Certificate and key are in {where}, readable by its owner alone; {places.config} names it.",
            f"It holds until {until}; the agent renews it before.",
        ]
    else:
        where = places.password
        lines.append(f"The password is in {where}, readable by its owner alone; {places.config} names it.")
    if places.handing_over:
        lines.append(
            "The cloud says from now on what is connected, as soon as it has said it once; "
            "`configuration: {owner: file}` in the file keeps that here."
        )
    if broker.ca is None:
        lines.append("warning: the broker is reached without TLS: right on a network of your own only")
    return lines
