"""Checks of whoever signs gateways' certificates."""

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cloud.settings import Certificates
from sitewarden.doctor import Check, Result
from sitewarden.doctor.machine import file_result

if TYPE_CHECKING:
    from cloud.enrolment.authority import Authority

LEAST = dt.timedelta(days=365)

AUTHORITY = Check(
    "certificate.authority",
    f"whether the authority's certificate holds for {LEAST.days} days more",
    "On the day after, no gateway with a certificate is let in, and each must be enrolled again before.",
)
LIST = Check(
    "certificate.list",
    "whether the list of revoked certificates is there, signed by the authority, and in force",
    "Without it the broker does not start; by an old one it lets in who was revoked.",
)


def authority_results(settings: Certificates) -> Iterator[Result]:
    """Of its key, its certificate and its list."""
    from cloud.enrolment.authority import Authority  # noqa: PLC0415  most clouds have none

    yield file_result(settings.key_file, is_secret=True)
    authority, now = Authority.read(settings.ca_file, settings.key_file), dt.datetime.now(dt.UTC)
    left, subject = authority.certificate.not_valid_after_utc - now, str(settings.ca_file)
    if left < LEAST:
        told = f"holds for {left.days} days" if left > dt.timedelta() else "has ended"
        mend = "make another (sitewarden cloud ca create), and enrol every gateway again by a new code"
        yield AUTHORITY.finding(told, mend, subject=subject)
    else:
        yield AUTHORITY.ok(f"holds for {left.days} days", subject=subject)
    yield _list(authority, settings, now)


def _list(authority: "Authority", settings: Certificates, now: dt.datetime) -> Result:
    found, subject = authority.listed(settings.crl_file), str(settings.crl_file)
    if found is None:
        mend = "let the cloud run: it writes the list anew within a second"
        return LIST.finding("is not there, or not of this authority", mend, subject=subject)
    if found.dated > now:
        told = f"is dated {found.dated}, which is to come: to the broker it does not hold yet"
        return LIST.finding(told, "is this clock right?", subject=subject)
    return LIST.ok(f"names {len(found.serials)} certificates", subject=subject)
