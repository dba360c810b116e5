"""Bringing profiles and keeping their versions."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from cloud.accounts.model import Signed
from cloud.database import AsyncConnection, Row, instant, rows_of
from cloud.problems import FieldProblem, ProblemError, not_found
from cloud.profiles import store
from cloud.profiles.checking import Looked, difference, looked_at
from cloud.profiles.denials import denials_at, refuse_denied, refused
from cloud.profiles.model import ProductShown, ProfileChecked, ProfileListed, ProfileShown, VersionListed
from cloud.profiles.presenting import checks_shown, complaint, points, summary
from cloud.profiles.shipped import shipped
from cloud.registry.service import acting
from cloud.serving import Serving
from sitewarden.profiles import AnyProfile
from sitewarden.profiles.paper import on_paper


class Kept(NamedTuple):
    """A version of a profile, shipped or brought."""

    profile: AnyProfile
    text: str
    is_shipped: bool
    versions: Sequence[VersionListed]


async def profiles(connection: AsyncConnection) -> list[ProfileListed]:
    """Every profile in its newest version, by name."""
    denied = await denials_at(connection, None)
    found = [
        ProfileListed(
            **summary(its.profile).model_dump(),
            origin="shipped",
            author=None,
            at=None,
            is_denied=bool(refused(its.profile.products, denied)),
        )
        for its in shipped().values()
    ]
    for row in await rows_of(connection, store.NEWEST):
        products = [ProductShown(**product) for product in row["summary"]["products"]]
        found.append(
            ProfileListed(
                **row["summary"],
                origin="brought",
                author=row["author"],
                at=row["at"],
                is_denied=bool(refused(products, denied)),
            )
        )
    return sorted(found, key=lambda its: its.profile)


async def kept(connection: AsyncConnection, name: str, version: int | None = None) -> Kept:
    """A profile in one version, the newest where none is said; a problem where there is none."""
    if (its := shipped().get(name)) is not None:
        if version not in (None, its.profile.version):
            raise not_found("version")
        listed = VersionListed(version=its.profile.version, author=None, at=None, reason="")
        return Kept(its.profile, its.text, True, [listed])
    rows = await store.versions(connection, name)
    chosen = next((row for row in rows if version in (None, row["version"])), None)
    if chosen is None:
        raise not_found("profile" if not rows else "version")
    looked = await _looked_at(chosen["text"])
    if looked.profile is None or looked.complaints:
        raise _unsound(looked)
    fields = VersionListed.model_fields
    listed_all = [VersionListed(**{key: row[key] for key in fields}) for row in rows]
    return Kept(looked.profile, chosen["text"], False, listed_all)


async def shown(connection: AsyncConnection, name: str, version: int | None) -> ProfileShown:
    """A profile as its page shows it."""
    its = await kept(connection, name, version)
    return ProfileShown(
        summary=summary(its.profile),
        origin="shipped" if its.is_shipped else "brought",
        text=its.text,
        points=points(its.profile),
        checks=checks_shown(on_paper(its.profile)),
        versions=list(its.versions),
    )


async def differing(connection: AsyncConnection, name: str, before: int, after: int) -> list[str]:
    """What one version of a profile has otherwise than another."""
    old, new = await store.version(connection, name, before), await store.version(connection, name, after)
    if old is None or new is None:
        raise not_found("version")
    return difference(old["text"], new["text"], (f"version {before}", f"version {after}"))


async def check(serving: Serving, text: str) -> ProfileChecked:
    """What a text would come to."""
    looked = await _looked_at(text)
    async with serving.pool.connection() as connection:
        newest = await _newest(connection, looked)
        denied = await denials_at(connection, None)
    profile = looked.profile
    is_sound = profile is not None and not looked.complaints
    return ProfileChecked(
        is_sound=is_sound,
        complaints=[complaint(error) for error in looked.complaints],
        checks=checks_shown(looked.checks),
        summary=summary(profile) if profile is not None else None,
        points=points(profile) if profile is not None and is_sound else [],
        newest=newest["version"] if newest else None,
        difference=_since(newest, text),
        denied=refused(profile.products, denied) if profile is not None else [],
    )


async def bring(serving: Serving, signed: Signed, text: str, reason: str) -> ProfileShown:
    """Keep a text as a version; the same text again is the same version."""
    looked = await _looked_at(text)
    profile = looked.profile
    if profile is None or looked.complaints:
        raise _unsound(looked)
    async with acting(serving, signed) as connection:
        refuse_denied(profile.products, await denials_at(connection, None))
        await _keep(
            connection,
            profile,
            text,
            {"author": signed.name, "reason": reason, "at": instant(serving.now_ms())},
        )
        return await shown(connection, profile.profile, profile.version)


async def _keep(connection: AsyncConnection, profile: AnyProfile, text: str, by: dict[str, Any]) -> None:
    name, number = profile.profile, profile.version
    if name in shipped():
        raise _taken("profile", f"`{name}` comes with SiteWarden; give yours another name.")
    rows = await store.versions(connection, name)
    same = next((row for row in rows if row["version"] == number), None)
    if same is not None and same["text"] == text:
        return
    newest = rows[0]["version"] if rows else 0
    values = {
        "profile": name,
        "version": number,
        "text": text,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "summary": summary(profile).model_dump(mode="json"),
        **by,
    }
    if number <= newest or not await store.keep(connection, values):
        mend = f"version {max(newest, number)} of `{name}` is kept for good; write `version: {newest + 1}`."
        raise _taken("version", mend)


def _taken(field: str, detail: str) -> ProblemError:
    return ProblemError(409, "version-kept", "It is kept already", detail, field=field)


async def _looked_at(text: str) -> Looked:
    """Beside the other requests: a long text takes most of a second."""
    return await asyncio.to_thread(looked_at, text)


def _unsound(looked: Looked) -> ProblemError:
    first = looked.complaints[0]
    detail = f"line {first.line}: {first.field}: {first.message}. {first.mend}"
    errors = [
        FieldProblem(code="profile-line", values={"line": error.line}, **complaint(error).model_dump())
        for error in looked.complaints
    ]
    if looked.wants_to_write:
        return ProblemError(422, "read-only", "SiteWarden never writes to a device", detail, errors=errors)
    return ProblemError(422, "profile-unsound", "The profile cannot be meant so", detail, errors=errors)


async def _newest(connection: AsyncConnection, looked: Looked) -> Row | None:
    if looked.profile is None:
        return None
    rows = await store.versions(connection, looked.profile.profile)
    return rows[0] if rows else None


def _since(newest: Row | None, text: str) -> list[str]:
    if newest is None:
        return []
    return difference(newest["text"], text, (f"version {newest['version']}", "this text"))
