"""Checks of the broker: reached, believed, let in, and that it keeps one gateway out of another's branch."""

import ipaddress
import secrets
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sitewarden import topics
from sitewarden.doctor.model import Check, Result
from sitewarden.doctor.mqtt import (
    NOT_AUTHORIZED,
    REFUSED,
    BrokerSilentError,
    LoginRefusedError,
    Session,
)
from sitewarden.topics import Mode

CHANNEL = "doctor"
"""The last part of the topics that the doctor writes to: neither cloud nor agent listens to it."""
NOBODY = "doctor-nobody"
"""A site and a gateway that nobody has."""
LISTEN_S = 2.0
"""So long somebody else's messages are listened for."""
LEAST_DAYS = 30
"""A certificate that ends sooner is a finding: renewing takes people, and people are away."""
DAY_S = 86_400

REACHED = Check(
    "broker.reached",
    "whether the broker answers",
    "Without it the cloud hears nothing of this site; rules and siren go on, and records wait in the outbox.",
)
TLS = Check(
    "broker.tls",
    "whether the connection is encrypted, and the broker is who it says it is",
    "On the way through the internet anybody can read the password and speak as this site.",
)
ENDS = Check(
    "certificate.days",
    f"whether the broker's certificate and those in `ca_file` hold for {LEAST_DAYS} days more",
    "On the day after, no gateway connects any more, all of them at once.",
)
LOGIN = Check(
    "broker.login",
    "whether the broker accepts name and password, or the certificate",
    "Whoever is not let in sends nothing.",
)
ANONYMOUS = Check(
    "broker.anonymous",
    "whether the broker turns away who gives no name, and no certificate where it wants one",
    "Anybody who reaches the broker could raise and clear alarms.",
)
OWN = Check(
    "broker.own-branch",
    "whether the broker takes what this account has to say, and lets it hear the answers",
    "The programs speak MQTT 3.1.1, to which a refusal is not told: all looks well and nothing arrives.",
)
FOREIGN = Check(
    "broker.foreign-branch",
    "whether the broker refuses to this account what belongs to others",
    "A gateway that is stolen could else speak for every site, or listen to it.",
)


class Target(NamedTuple):
    """A broker, and what an account of it may and may not do."""

    host: str
    port: int
    username: str | None
    password: str | None
    ca_file: Path | None
    own: Sequence[str]
    """Topics to which it must be able to write."""
    hears: Sequence[str]
    """Filters that it must be able to subscribe to."""
    foreign: Sequence[str]
    """Topics to which it must not be able to write."""
    overhears: str | None = None
    """A filter under which nothing of others must arrive; `None` where the account may hear everybody."""
    branch: str = ""
    """Site, gateway and direction of what may arrive."""
    certificate_file: Path | None = None
    """Own certificate and key, where it logs in by these."""


def gateway_target(
    address: tuple[str, int],
    login: tuple[str | None, str | None],
    ca_file: Path | None,
    branch: tuple[Mode, str, str],
    certificate_file: Path | None = None,
) -> Target:
    """As a gateway: its own branch up, nothing else; `branch` is mode, site and gateway."""
    mode, site, gateway = branch
    foreign = [
        _ours(topics.up("live", NOBODY, NOBODY, "status")),
        _ours(topics.up(mode, site, NOBODY, "status")),
        _ours(topics.down(mode, site, gateway, "command")),
    ]
    if mode != "replay":
        foreign.append(_ours(topics.up("replay", site, gateway, "status")))
    hears = [topics.down(mode, site, gateway, "receipts"), topics.down(mode, site, gateway, "command")]
    own = [_ours(topics.up(mode, site, gateway, "status"))]
    overhears, answers = "sw/1/#", f"{site}/{gateway}/down"
    return Target(*address, *login, ca_file, own, hears, foreign, overhears, answers, certificate_file)


def cloud_target(address: tuple[str, int], login: tuple[str | None, str | None]) -> Target:
    """As the cloud: hears everybody, answers everybody, speaks for no gateway."""
    own = [_ours(topics.down("live", NOBODY, NOBODY, "command"))]
    foreign = [_ours(topics.up("live", NOBODY, NOBODY, "status"))]
    hears = [topics.every_up("alarms"), topics.every_up("readings"), topics.every_up("status")]
    return Target(*address, *login, None, own, hears, foreign)


def _ours(topic: str) -> str:
    """The same branch, but a channel that nobody listens to."""
    return f"{topic.rpartition('/')[0]}/{CHANNEL}"


def broker_results(
    target: Target, *, knows_password: bool = True, listen_s: float = LISTEN_S
) -> Iterator[Result]:
    """Everything that can be said of the broker; what cannot be looked at any more is left out."""
    subject = f"{target.host}:{target.port}"
    authority = list(_authority_results(target.ca_file)) if target.ca_file else []
    yield from authority
    if any(result.check == TLS.name for result in authority):
        return
    try:
        session = _connected(target)
    except ssl.SSLError as exc:
        yield TLS.finding(_tls_fault(exc), _tls_mend(exc), subject=subject)
        return
    except OSError as exc:
        mend = f"is the host right, the broker running, the port open? nc -vz {target.host} {target.port}"
        yield REACHED.unreachable(f"does not answer: {exc.strerror or exc}", mend, subject=subject)
        return
    with session:
        yield from _tls_results(target, session, subject)
        if knows_password:
            yield from _session_results(target, session, subject, listen_s)
        else:
            yield LOGIN.unknown("what is secret cannot be read, see there", subject=subject)
    yield from _anonymous_results(target, subject)


def _connected(target: Target, *, by_certificate: bool = True) -> Session:
    tls = ssl.create_default_context(cafile=target.ca_file) if target.ca_file else None
    if tls is not None and target.certificate_file is not None and by_certificate:
        tls.load_cert_chain(target.certificate_file)
    return Session(target.host, target.port, tls)


def _certificate_fault(target: Target) -> str | None:
    """What the broker has against the certificate: in TLS 1.2 it says so, in 1.3 it often only hangs up."""
    if target.certificate_file is None:
        return None
    tls = ssl.create_default_context(cafile=target.ca_file)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.load_cert_chain(target.certificate_file)
    try:
        with Session(target.host, target.port, tls):
            return None
    except ssl.SSLError as exc:
        return (exc.reason or str(exc)).lower().replace("_", " ").partition("alert ")[2] or None
    except OSError:
        return None


def _session_results(target: Target, session: Session, subject: str, listen_s: float) -> Iterator[Result]:
    who = f"`{target.username}`" if target.username else "without a name"
    if target.certificate_file is not None:
        who = "the certificate"
    try:
        session.log_in(target.username, target.password)
    except BrokerSilentError as exc:
        if (fault := _certificate_fault(target)) is not None:
            mend = "look whether it was revoked in the cloud; a new code lets it in: sitewarden edge enrol"
            yield REACHED.ok("answers", subject=subject)
            yield LOGIN.finding(f"refuses the certificate: {fault}", mend, subject=subject)
            return
        mend = "is it an MQTT broker, and is this its port without TLS? Look into its log"
        yield REACHED.unreachable(f"is there, but {exc}", mend, subject=subject)
    except LoginRefusedError as exc:
        yield REACHED.ok("answers", subject=subject)
        yield _refused(exc, who, subject)
    else:
        yield REACHED.ok("answers", subject=subject)
        yield LOGIN.ok(f"lets in {who}", subject=subject)
        yield from _branch_results(target, session, listen_s)


def _refused(refused: LoginRefusedError, who: str, subject: str) -> Result:
    if refused.is_too_old:
        what = "the broker knows no MQTT 5, by which alone it says why it refuses something"
        return LOGIN.unknown(what, "use Mosquitto 1.6 or newer", subject=subject)
    mend = "compare `username` and the password with the broker's; after a change it needs a HUP signal"
    return LOGIN.finding(f"does not let in {who} (reason {refused.reason})", mend, subject=subject)


def _branch_results(target: Target, session: Session, listen_s: float) -> Iterator[Result]:
    """Subscriptions come last: on the cloud's everybody's messages follow."""
    step = OWN
    try:
        yield from _own_writes(target, session)
        step = FOREIGN
        yield _foreign_writes(target, session)
        step = OWN
        yield from _own_reads(target, session)
        step = FOREIGN
        if target.overhears is not None:
            yield _foreign_reads(target, session, target.overhears, listen_s)
    except BrokerSilentError as exc:
        if step is FOREIGN and exc.reason == NOT_AUTHORIZED:
            yield FOREIGN.ok("hangs up over what belongs to others; what comes after that was not tried")
        else:
            yield step.unknown(str(exc), "look into the broker's log")


def _own_writes(target: Target, session: Session) -> Iterator[Result]:
    for topic in target.own:
        reason = session.publish(topic, b"")
        if reason >= REFUSED:
            mend = "compare the site's and gateway's name with the MQTT user name, and deploy/mosquitto/acl"
            yield OWN.finding(f"refuses a message (reason {reason})", mend, subject=topic)
        else:
            yield OWN.ok("takes a message", subject=topic)


def _own_reads(target: Target, session: Session) -> Iterator[Result]:
    for topic_filter in target.hears:
        reason = session.subscribe(topic_filter)
        if reason >= REFUSED:
            mend = "let this account read it: deploy/mosquitto/acl"
            yield OWN.finding(f"refuses a subscription (reason {reason})", mend, subject=topic_filter)


def _foreign_writes(target: Target, session: Session) -> Result:
    taken = [topic for topic in target.foreign if session.publish(topic, b"") < REFUSED]
    if taken:
        mend = "give the broker the acl_file deploy/mosquitto/acl, and each gateway a user name of its own"
        return FOREIGN.finding(f"takes messages for {', '.join(taken)}", mend, subject="write")
    return FOREIGN.ok(f"refuses each of {len(target.foreign)} foreign topics", subject="write")


def _foreign_reads(target: Target, session: Session, overhears: str, listen_s: float) -> Result:
    """A broker grants the subscription and may still send nothing: what arrives is what counts."""
    if session.subscribe(overhears) >= REFUSED:
        return FOREIGN.ok("refuses to let this account hear everything", subject="read")
    session.publish(target.own[0], secrets.token_hex(8).encode())  # nobody may read that, not even we
    session.fence()
    for heard in session.listen(listen_s):
        if "/".join(heard.topic.split("/")[3:6]) != target.branch:
            mend = "give the broker the acl_file deploy/mosquitto/acl: a gateway reads its own `down/#` only"
            return FOREIGN.finding(f"lets this account hear {heard.topic}", mend, subject="read")
    return FOREIGN.ok(f"nothing but our own was heard within {listen_s:g} s", subject="read")


def _anonymous_results(target: Target, subject: str) -> Iterator[Result]:
    if target.username is None and target.certificate_file is None:
        mend = "give the broker `allow_anonymous false` and this program `username` and `password_file`"
        yield ANONYMOUS.finding("this program itself logs in without a name", mend, subject=subject)
        return
    try:
        with _connected(target, by_certificate=False) as session:
            session.log_in(None, None)
    except (OSError, BrokerSilentError, LoginRefusedError):
        yield ANONYMOUS.ok("turns away who gives no name", subject=subject)
    else:
        yield ANONYMOUS.finding("lets anybody in", "give the broker `allow_anonymous false`", subject=subject)


def _tls_results(target: Target, session: Session, subject: str) -> Iterator[Result]:
    ends_s = session.certificate_ends_s()
    if ends_s is not None:
        yield TLS.ok("encrypted, and the certificate is the host's", subject=subject)
        yield _days_result(ends_s, subject, "renew it; the broker shows the old until it gets a HUP signal")
    elif is_near(target.host):
        yield TLS.ok("not encrypted, and the broker is in this machine's own network", subject=subject)
    else:
        mend = "give the broker a certificate and a second listener, and name `ca_file` and that port here"
        yield TLS.finding("not encrypted, and the broker is beyond this network", mend, subject=subject)


def _authority_results(ca_file: Path) -> Iterator[Result]:
    subject = str(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(ca_file)
    except OSError as exc:
        mend = "write the issuer's certificate there, as PEM"
        yield TLS.finding(f"cannot be used: {exc.strerror or exc}", mend, subject=subject)
        return
    ends = [ssl.cert_time_to_seconds(str(one["notAfter"])) for one in context.get_ca_certs()]
    if ends:
        yield _days_result(min(ends), subject, "get the issuer's new one, and keep both in the file for now")


def _days_result(ends_s: float, subject: str, mend: str) -> Result:
    days = int((ends_s - time.time()) // DAY_S)
    if days < LEAST_DAYS:
        return ENDS.finding(f"ends in {days} days" if days >= 0 else "has ended", mend, subject=subject)
    return ENDS.ok(f"holds for {days} days", subject=subject)


def _tls_fault(exc: ssl.SSLError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"the certificate is not believed: {exc.verify_message}"
    return f"no TLS comes about: {exc.reason or exc}"


def _tls_mend(exc: ssl.SSLError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return "renew it, or name its issuer as `ca_file`; `host` must be a name that stands in it"
    return "is this the broker's port for TLS, usually 8883?"


def is_near(host: str) -> bool:
    """Whether every address of that name is this machine or in a private network."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    addresses = [ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
    return all(address.is_private or address.is_loopback for address in addresses)
