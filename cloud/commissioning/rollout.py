"""A new version of a profile goes to one gateway of a site, then to the rest, and back if need be.

A roll-out changes by what devices are read and nothing else: what is in use stays in use, its alarms live.
That its known value was checked by an older version is shown until somebody checks anew.
"""

from typing import Any, LiteralString
from uuid import UUID, uuid4

from cloud.commissioning.model import RolloutGiven, RolloutPart, RolloutShown
from cloud.commissioning.proposing import put_profile
from cloud.database import Row, row_of, rows_of
from cloud.problems import ProblemError, not_found
from cloud.profiles.denials import denials_at, refuse_denied
from cloud.profiles.service import Kept, kept
from cloud.registry.kinds import Around
from cloud.registry.service import check_match

_ROLLOUTS: LiteralString = """
    SELECT rollout AS id, profile, to_version, stage, author, reason, at, version FROM profile_rollout
     WHERE site = %(site)s
"""
_PARTS: LiteralString = """
    SELECT part.rollout, part.gateway, part.from_version, part.configuration, part.back,
           coalesce(back.state, its.state) AS state, coalesce(back.why, its.why) AS why
      FROM profile_rollout_part AS part
           JOIN gateway_configuration AS its
             ON its.site = part.site AND its.gateway = part.gateway AND its.version = part.configuration
           LEFT JOIN gateway_configuration AS back
             ON back.site = part.site AND back.gateway = part.gateway AND back.version = part.back
     WHERE part.site = %(site)s ORDER BY part.configuration, part.gateway
"""
_OLDER: LiteralString = """
    SELECT gateway, max(profile_version) AS version FROM commissioning
     WHERE site = %(site)s AND profile = %(profile)s AND profile_version < %(to_version)s
     GROUP BY gateway ORDER BY gateway
"""
_READ_BY: LiteralString = """
    UPDATE commissioning SET profile_version = %(becomes)s, configuration = %(configuration)s
     WHERE site = %(site)s AND gateway = %(gateway)s AND profile = %(profile)s
"""


async def begin(around: Around, given: RolloutGiven, by: str) -> UUID:
    """Bring a newer version to one gateway."""
    named = {"site": around.site.site, **given.model_dump(), "by": by, "at": around.now, "id": uuid4()}
    profile = await kept(around.connection, given.profile, given.to_version)
    if profile.is_shipped:
        detail = "A shipped profile comes with the gateway's program."
        raise ProblemError(409, "shipped-profile", "It comes with the program", detail, field="profile")
    refuse_denied(profile.profile.products, await denials_at(around.connection, around.site.site))
    older = {row["gateway"]: row["version"] for row in await rows_of(around.connection, _OLDER, named)}
    if given.gateway not in older:
        detail = "gateway: none of its devices is read by an older version of that profile."
        raise ProblemError(422, "invalid", "Nothing to bring", detail, field="gateway")
    await around.connection.execute(
        """
        INSERT INTO profile_rollout (rollout, site, profile, to_version, stage, author, reason, at)
            VALUES (%(id)s, %(site)s, %(profile)s, %(to_version)s, 'first', %(by)s, %(reason)s, %(at)s)
        """,
        named,
    )
    await _bring(around, named, profile, given.gateway, older[given.gateway])
    return UUID(str(named["id"]))


async def bring_to_the_rest(around: Around, rollout: UUID, if_match: str | None, by: str) -> None:
    """Bring it to all others, once the first has it in force."""
    row = await _found(around, rollout, if_match)
    (first, *_) = await _parts(around, rollout)
    if row["stage"] != "first":
        raise _wrong_stage(row["stage"])
    if first["state"] != "in_force":
        detail = f"{first['gateway']} has it {first['state']}; the rest waits until it is in force there."
        raise ProblemError(409, "first-not-in-force", "Not in force at the first", detail)
    profile = await kept(around.connection, row["profile"], row["to_version"])
    refuse_denied(profile.profile.products, await denials_at(around.connection, around.site.site))
    named = {**row, "site": around.site.site, "by": by}
    for older in await rows_of(around.connection, _OLDER, named):
        await _bring(around, named, profile, older["gateway"], older["version"])
    await _set_stage(around, rollout, "rest")


async def bring_back(around: Around, rollout: UUID, if_match: str | None, reason: str, by: str) -> None:
    """Bring every gateway that got it back to the version that it had."""
    row = await _found(around, rollout, if_match)
    if row["stage"] == "back":
        raise _wrong_stage("back")
    for part in await _parts(around, rollout):
        profile = await kept(around.connection, row["profile"], part["from_version"])
        back = await put_profile(around, part["gateway"], profile, author=by, reason=reason)
        named = {"rollout": rollout, "gateway": part["gateway"], "back": back}
        await around.connection.execute(
            """
            UPDATE profile_rollout_part SET back = %(back)s
             WHERE rollout = %(rollout)s AND gateway = %(gateway)s
            """,
            named,
        )
        await _read_by(around, row["profile"], part["gateway"], part["from_version"], back)
    await _set_stage(around, rollout, "back")


async def rollouts(around: Around, profile: str | None = None) -> list[RolloutShown]:
    """Those of a site, the newest first."""
    named = {"site": around.site.site}
    rows = await rows_of(around.connection, _ROLLOUTS + " ORDER BY at DESC LIMIT 50", named)
    parts = await rows_of(around.connection, _PARTS, named)
    shown = []
    for row in rows:
        if profile not in (None, row["profile"]):
            continue
        older = await rows_of(around.connection, _OLDER, {**named, **row})
        own = [
            RolloutPart(**{key: its[key] for key in RolloutPart.model_fields})
            for its in parts
            if its["rollout"] == row["id"]
        ]
        left = [its["gateway"] for its in older] if row["stage"] == "first" else []
        shown.append(RolloutShown(**row, parts=own, left=left))
    return shown


async def _bring(around: Around, named: dict[str, Any], profile: Kept, gateway: str, version: int) -> None:
    reason, by = named["reason"], named["by"]
    configuration = await put_profile(around, gateway, profile, author=by, reason=reason)
    await around.connection.execute(
        """
        INSERT INTO profile_rollout_part (rollout, site, gateway, from_version, configuration)
            VALUES (%(id)s, %(site)s, %(gateway)s, %(version)s, %(configuration)s)
        """,
        {**named, "gateway": gateway, "version": version, "configuration": configuration},
    )
    await _read_by(around, named["profile"], gateway, profile.profile.version, configuration)


async def _read_by(around: Around, profile: str, gateway: str, version: int, configuration: int) -> None:
    named = {"site": around.site.site, "profile": profile, "gateway": gateway}
    await around.connection.execute(_READ_BY, {**named, "becomes": version, "configuration": configuration})


async def _found(around: Around, rollout: UUID, if_match: str | None) -> Row:
    query: LiteralString = _ROLLOUTS + " AND rollout = %(id)s FOR NO KEY UPDATE"
    row = await row_of(around.connection, query, {"site": around.site.site, "id": rollout})
    if row is None:
        raise not_found("roll-out")
    check_match(if_match, row["version"])
    return row


async def _parts(around: Around, rollout: UUID) -> list[Row]:
    parts = await rows_of(around.connection, _PARTS, {"site": around.site.site})
    return [part for part in parts if part["rollout"] == rollout]


async def _set_stage(around: Around, rollout: UUID, stage: str) -> None:
    await around.connection.execute(
        "UPDATE profile_rollout SET stage = %s WHERE rollout = %s", [stage, rollout]
    )


def _wrong_stage(stage: str) -> ProblemError:
    detail = "It was brought back." if stage == "back" else "It went to the rest already."
    return ProblemError(409, "rollout-over", "Its time is over", detail)
