"""Checks of cameras' pictures: whether they have a way to the cloud, and how many have not gone it."""

import time
from collections.abc import Iterator

from edge import mediafiles
from edge.config import Gateway
from edge.config.access import is_private
from edge.mediafiles import MediaNote
from sitewarden.doctor.model import Check, Result
from sitewarden.errors import SiteWardenError, UnreachableError

OLD_S = 86_400.0
"""Pictures go after everything else; within a day they should have gone."""

WAY = Check(
    "pictures.way",
    "whether pictures of cameras have a way to the cloud: `broker.cloud`, its certificate, its answer",
    "Without it whoever hears an alarm of a camera cannot see what it saw, and pictures end with their time.",
)
WAITING = Check(
    "pictures.waiting",
    f"how many pictures wait on the disk, and since when; {OLD_S / 3600:g} hours are too long",
    "What waits is lost where the disk's share for it (`vision.media_mb`) or its time (`keep_days`) is over.",
)


SEALED = Check(
    "pictures.sealed",
    "whether the cloud has told its key, where pictures are to be kept unredacted: they wait sealed for it",
    "Until it has, pictures are redacted in spite of `unredacted: true`.",
)


def picture_results(gateway: Gateway) -> Iterator[Result]:
    """Of a gateway with cameras; nothing of any other."""
    if gateway.cameras:
        yield _way(gateway)
        yield _waiting(gateway)
    if any(camera.entry.pictures.unredacted for camera in gateway.cameras):
        yield _sealed(gateway)


def _way(gateway: Gateway) -> Result:
    from edge.enrolment.asking import Cloud  # noqa: PLC0415  takes memory; most gateways have no camera

    address = gateway.broker.cloud
    if address is None:
        mend = "add `cloud:` to `broker`, the cloud's address as a browser has it"
        return WAY.finding("nothing says where the cloud is: pictures stay here", mend)
    if not is_private(address):
        return WAY.finding(f"{address} is not encrypted: pictures stay here", "write it with https://")
    try:
        Cloud(address, ca_file=gateway.broker.cloud_ca_file).check_clock()
    except UnreachableError as exc:
        mend = "is the address right, is there a way out, is `broker.cloud_ca_file` its issuer's?"
        return WAY.unreachable(str(exc), mend)
    except SiteWardenError as exc:
        return WAY.finding(str(exc), "is it the address of SiteWarden's pages, is this clock right?")
    return WAY.ok(f"{address} answers")


def _sealed(gateway: Gateway) -> Result:
    known = mediafiles.cloud_key(gateway.data_dir / mediafiles.FOLDER)
    if known is not None and known.cloud == gateway.broker.cloud:
        return SEALED.ok(f"sealed for {known.cloud}")
    mend = "see `pictures.way`; a cloud older than this gateway has no key: update it"
    return SEALED.finding("the cloud has not told its key: pictures are redacted", mend)


def _waiting(gateway: Gateway) -> Result:
    folder = gateway.data_dir / mediafiles.FOLDER
    try:
        notes = list(mediafiles.seen(folder))
    except OSError as exc:
        return WAITING.unknown(f"cannot be seen: {exc.strerror}", "run the doctor as root")
    return waiting_result(notes, time.time())


def waiting_result(notes: list[MediaNote], now_s: float) -> Result:
    """What the files come to."""
    if not notes:
        return WAITING.ok("none wait")
    age_s = max(0.0, now_s - min(note.at_ms for note in notes) / 1000)
    size_mb = sum(note.bytes for note in notes) / 1_000_000
    told = f"{len(notes)} waiting ({size_mb:.1f} MB), the oldest for {age_s / 3600:.0f} h"
    if age_s <= OLD_S:
        return WAITING.ok(told)
    mend = "journalctl --unit sitewarden-edge --grep pictures says why; `pictures.way` above may, too"
    return WAITING.finding(told, mend)
