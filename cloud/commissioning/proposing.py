"""Configurations that commissioning proposes: a gateway's own texts with one device or profile changed."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from cloud.commissioning.editing import (
    UneditableError,
    buses_in,
    in_use_by,
    profile_in,
    with_device,
    with_profile,
)
from cloud.configuration import draft
from cloud.configuration.service import Of, current, lock, propose, version_of
from cloud.database import AsyncConnection, Row
from cloud.problems import ProblemError
from cloud.profiles.service import Kept
from cloud.registry.kinds import Around
from sitewarden.bundle import BundleError, Files


async def files_of(connection: AsyncConnection, of: Of) -> Files:
    """The texts that a change begins with: the newest that the gateway has not turned down.

    Raises a problem where the gateway is not configured from here, or has not said yet what its file holds.
    """
    its = await current(connection, of)
    if its.now is None:
        detail = "Its own file says what it does; hand it over before it is configured here."
        raise ProblemError(409, "not-configured-here", "Not configured from here", detail, field="gateway")
    newest = its.newest
    if newest is not None and newest["state"] in ("waiting", "probation", "in_force"):
        return _texts(newest)
    if its.in_force is not None:
        whole = await version_of(connection, of, its.in_force["version"])
        if whole is not None:
            return _texts(whole)
    if its.own_file is None:
        detail = "It has not told yet what its own file says; it does when it connects."
        raise ProblemError(409, "configuration-unknown", "Nothing to begin with", detail, field="gateway")
    return its.own_file


def _texts(row: Row) -> Files:
    files: dict[str, str] = row["files"]
    return files


async def polled_buses(connection: AsyncConnection, of: Of) -> tuple[list[str], bool]:
    """Buses of a gateway as far as they are known, and whether it is configured from here."""
    try:
        files = await files_of(connection, of)
    except ProblemError:
        return [], False
    try:
        return buses_in(files), True
    except UneditableError:
        return [], True


async def put_device(
    around: Around, bound: Row, keys: Mapping[str, Any], profile: Kept, *, author: str, reason: str
) -> int:
    """Propose the gateway's configuration with the device in it; returns its version."""
    of = Of(around.site.site, bound["gateway"])
    with _editing():
        await lock(around.connection, of)
        files = await files_of(around.connection, of)
        _check_disturbs_nobody(files, bound["device"], profile)
        files = _with_profile(files, profile)
        files = with_device(files, bound["bus"], bound["device"], keys)
        known = await draft.facts_of(around.connection, of.site)
        of_device = {name: said for name, said in known.items() if name == bound["device"]}
        files = draft.merged(files, of_device).files
        return await propose(around.connection, of, files, author=author, reason=reason, now=around.now)


async def put_profile(around: Around, gateway: str, profile: Kept, *, author: str, reason: str) -> int:
    """Propose the gateway's configuration with another version of a profile."""
    of = Of(around.site.site, gateway)
    with _editing():
        await lock(around.connection, of)
        files = _with_profile(await files_of(around.connection, of), profile)
        return await propose(around.connection, of, files, author=author, reason=reason, now=around.now)


def _check_disturbs_nobody(files: Files, device: str, profile: Kept) -> None:
    """A bundle has one version of a profile: another would change what is in use beside the device."""
    name = profile.profile.profile
    there = profile_in(files, name)
    if profile.is_shipped or there is None or there == profile.text:
        return
    if others := [other for other in in_use_by(files, name) if other != device]:
        detail = f"{', '.join(others)} would be read by it too. Roll the version out to the gateway first."
        raise ProblemError(
            409, "others-in-use", "Others are in use by another version", detail, field="profile"
        )


def _with_profile(files: Files, profile: Kept) -> Files:
    # A shipped one is at the gateway already.
    return files if profile.is_shipped else with_profile(files, profile.profile.profile, profile.text)


@contextlib.contextmanager
def _editing() -> Iterator[None]:
    """What cannot be changed or sent, as a problem that says what to do by hand."""
    try:
        yield
    except (UneditableError, draft.UnmergeableError, BundleError) as exc:
        title = "Change the configuration by hand"
        raise ProblemError(409, "configuration-uneditable", title, str(exc), field="bus") from exc
