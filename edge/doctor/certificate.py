"""Checks of the gateway's own certificate: whose it is, how long it holds, whether it can be renewed."""

import time
from collections.abc import Iterator
from pathlib import Path

from edge.config import Gateway
from edge.doctor.service import Account
from sitewarden.doctor.model import Check, Result

DAY_S = 86_400
LATE = 0.25
"""Of its life that is left a certificate should have been renewed; the agent does at a third."""

OWN = Check(
    "certificate.own",
    "whether the gateway's own certificate is this gateway's, and holds for a quarter of its life more",
    "On the day after, the broker does not let the gateway in any more.",
)
RENEWABLE = Check(
    "certificate.renewable",
    "whether the agent knows where its certificate is renewed, and may replace the file",
    "A certificate that is not renewed ends, and with it the connection to the cloud.",
)
_ENROL = "get a new code from the cloud's page: sitewarden edge enrol"


def certificate_results(file: Path, gateway: Gateway, account: Account) -> Iterator[Result]:
    """Of the file with the certificate."""
    from edge.enrolment.keys import Identity, IdentityError  # noqa: PLC0415  most gateways have a password

    try:
        identity = Identity.read(file)
    except IdentityError as exc:
        yield OWN.finding(str(exc), _ENROL, subject=str(file))
        return
    wanted, days = f"{gateway.site}/{gateway.name}", (identity.ends_s - time.time()) / DAY_S
    life = 3 * (identity.ends_s - identity.due_s) / DAY_S
    if identity.username != wanted:
        told = f"is of {identity.username}, and this is {wanted}"
        yield OWN.finding(told, _ENROL, subject=str(file))
    elif days <= 0:
        told = f"has ended on {identity.ends_at}"
        yield OWN.finding(told, f"is this clock right? Else {_ENROL}", subject=str(file))
    elif days < LATE * life:
        mend = "journalctl --unit sitewarden-edge --grep certificate says why; else " + _ENROL
        yield OWN.finding(f"holds for {days:.0f} days and was not renewed", mend, subject=str(file))
    else:
        yield OWN.ok(f"holds for {days:.0f} days", subject=str(file))
    yield _renewable(file, gateway.broker.cloud, account)


def _renewable(file: Path, cloud: str | None, account: Account) -> Result:
    if cloud is None:
        mend = f"add `cloud:` to `broker`, the cloud's address; or {_ENROL}"
        return RENEWABLE.finding("nothing says where", mend, subject=str(file))
    if not (account.may_use(file.parent) and account.may_use(file)):
        mend = f"sudo chown {account.name} {file.parent} {file}"
        return RENEWABLE.finding(f"`{account.name}` may not replace it", mend, subject=str(file))
    return RENEWABLE.ok(f"by the agent, at {cloud}", subject=str(file))
