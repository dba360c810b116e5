"""Back-tests over HTTP."""

import asyncio
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Response

from cloud.accounts.permissions import SignedIn, requires
from cloud.backtest.asked import Asked, NoSuchDeviceError, NoSuchHazardError, TooMuchError
from cloud.backtest.model import BacktestShown, RulesShown, Trial
from cloud.database import connect, milliseconds
from cloud.problems import ProblemError, not_found
from cloud.registry.access import KnownSite
from cloud.serving import Served
from sitewarden.errors import ConfigurationError

router = APIRouter(tags=["backtests"])

_ZIP = "application/zip"
_BUSY: dict[int | str, dict[str, Any]] = {429: {"description": "Another one is running"}}
_running = asyncio.Semaphore(1)
"""One at a time a process: whoever watches a crane at work must not wait for somebody's statistics."""
_worker = ThreadPoolExecutor(1, "backtest")
"""Its own thread: one that is left behind by who went away holds up the next of its kind, and no page."""
_T = TypeVar("_T")


async def _alone(work: Callable[[], _T]) -> _T:
    """The result of what takes much of the machine; raises the problem 429 while another one runs."""
    if _running.locked():
        detail = "Somebody's back-test or case pack is being made. Try again in a moment."
        raise ProblemError(429, "busy", "Busy", detail, {"Retry-After": "5"})
    async with _running:
        return await asyncio.get_running_loop().run_in_executor(_worker, work)


@router.get("/sites/{site}/rules", dependencies=[requires("backtests.run")])
async def read_rules(site: KnownSite, serving: Served) -> RulesShown:
    """The rules in force, each as a text that can be changed and tried."""

    def read() -> RulesShown:
        from cloud.backtest import trying  # noqa: PLC0415  numpy is 50 MB that most servers never need

        return trying.read_rules(serving.dsn, site.site, serving.settings.mode)

    return await asyncio.to_thread(read)


@router.post("/sites/{site}/backtests", dependencies=[requires("backtests.run")], responses=_BUSY)
async def run_backtest(site: KnownSite, serving: Served, trial: Trial) -> BacktestShown:
    """What other rules would have done over the site's history."""
    if trial.since >= trial.until:
        raise ProblemError(422, "empty-range", "The range is empty", "`to` must lie after `from`.")
    asked = Asked(
        site, trial.device, milliseconds(trial.since), milliseconds(trial.until), serving.settings.mode
    )

    def run() -> BacktestShown:
        from cloud.backtest import trying  # noqa: PLC0415

        return trying.run_trial(serving.dsn, asked, trial)

    try:
        return await _alone(run)
    except NoSuchDeviceError:
        raise not_found("device") from None
    except TooMuchError as exc:
        raise ProblemError(422, "too-much", "Too much at once", str(exc)) from exc
    except ConfigurationError as exc:
        raise ProblemError(422, "bad-rule", "A rule cannot be meant so", str(exc)) from exc


class PackFile(Response):
    """A case pack."""

    media_type = "application/zip"


@router.get(
    "/hazards/{hazard}/pack",
    dependencies=[requires("history.view")],
    response_class=PackFile,
    responses={
        200: {"description": "A case pack, to be judged again and replayed.", "content": {_ZIP: {}}},
        **_BUSY,
    },
)
async def download_pack(hazard: UUID, serving: Served, signed: SignedIn) -> PackFile:
    """The hazard's worst alarm with the readings around it, the rules in force and the alarms they give."""

    def make() -> tuple[str, bytes]:
        from cloud.backtest import packing  # noqa: PLC0415

        with connect(serving.dsn) as connection, tempfile.TemporaryDirectory() as folder:
            packed = packing.pack_hazard(connection, str(hazard), whose=signed.account_id)
            file = Path(folder) / f"{packed.number}.swpack"
            packing.save(packed, file)
            return file.name, file.read_bytes()

    try:
        name, content = await _alone(make)
    except NoSuchHazardError:
        raise not_found("hazard") from None
    except TooMuchError as exc:
        raise ProblemError(422, "too-much", "Too much at once", str(exc)) from exc
    return PackFile(content, headers={"Content-Disposition": f'attachment; filename="{name}"'})
