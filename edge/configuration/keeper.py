"""Puts the cloud's configurations in force, one after the other, and takes back what proves no good."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from edge.config import Gateway
from edge.configuration import checking
from edge.configuration.checking import Checked
from edge.configuration.history import History, Version
from edge.configuration.own import fault_of, own_bundle
from edge.configuration.probation import Line, Probation
from edge.configuration.starting import Started
from sitewarden import bundle
from sitewarden.errors import ConfigurationError
from sitewarden.messages import (
    Configuration,
    ConfigurationFault,
    ConfigurationNow,
    ConfigurationReport,
    ConfigurationState,
)
from sitewarden.text import Text

log = logging.getLogger(__name__)

LOOK_S = 1.0
HOLD_AGAIN_S = 60.0
"""So long a disk that does not take that a version has held is left alone."""
WAITING = 8
"""So many messages wait to be looked at; the cloud sends again what is dropped."""
INTERRUPTED = Text(
    "验证期内网关程序结束了（崩溃、断电或重启）",
    "the gateway's program ended while it was on probation: a crash, a restart, or the power",
)
STUMBLED = Text("启用时程序出错，详见网关日志", "putting it in force failed, see the gateway's log")
UNKEPT = Text("网关的磁盘写不下", "the gateway's disk did not take it")


class Site(Protocol):
    """What works from a configuration."""

    async def change(self, gateway: Gateway) -> None:
        """Work from another one; what is equal in both goes on as if nothing had happened."""

    def lines(self, before: Gateway, after: Gateway) -> list[Line]:
        """The buses and ears of `after` as a probation looks at them; called before the change."""

    def good_s(self) -> Mapping[str, float]:
        """When each bus and ear last gave a good reading, in seconds of the boot's own clock."""

    def report(self, report: ConfigurationReport) -> None:
        """Have the cloud told, now or when there is a connection; must not wait."""

    def tell_soon(self) -> None:
        """Let the next status go out at once."""


class Keeper:
    """Owns which configuration is in force. Nothing that it does waits for the cloud."""

    def __init__(self, started: Started, site: Site, *, boot: str, now_ms: Callable[[], int]) -> None:
        """`started` is how this run began, with a history."""
        assert started.history is not None  # noqa: S101  else nobody keeps one
        self._history: History = started.history
        self._own: Path = started.own
        self._site, self._boot, self._now_ms = site, boot, now_ms
        self._gateway, self._version = started.gateway, started.version
        """What the gateway works from."""
        self._standing: tuple[Gateway, Version | None] | None = None
        """While a probation lasts, what to go back to."""
        self._probation: Probation | None = None
        self._on_probation: ConfigurationReport | None = None
        self._waiting: deque[Configuration] = deque(maxlen=WAITING)
        self._has_work = asyncio.Event()
        self._untold = ""
        """Why its own file is not handed over, as it was said last."""
        self._note_start(started)

    @property
    def now(self) -> ConfigurationNow:
        """As the status tells it."""
        if self._version is None:
            return ConfigurationNow()
        is_on_probation = self._probation is not None
        return ConfigurationNow(
            version=self._version.number, hash=self._version.hash, on_probation=is_on_probation
        )

    def reports(self) -> list[ConfigurationReport]:
        """What the cloud may not have heard: told at each connection."""
        told = self._history.state.verdicts[-1:]
        if self._on_probation is not None:
            return [*told, self._on_probation]
        if self._version is None:
            return [*told, self._with_own_file(self._in_force())]
        return [*told, self._in_force()]

    def _with_own_file(self, report: ConfigurationReport) -> ConfigurationReport:
        """What it says, or why that is not told: the cloud's people wait for it."""
        try:
            files, untold, errors = own_bundle(self._own), "", report.errors
        except bundle.BundleError as exc:
            files, untold, errors = None, str(exc), [fault_of(exc)]
        if untold and untold != self._untold:
            log.warning("the gateway's own file is not handed over to the cloud: %s", untold)
        self._untold = untold
        why = Text(f"网关自己的配置没有上报：{untold}", untold) if untold else None
        return msgspec.structs.replace(report, files=files, why=why, errors=errors)

    def take(self, configuration: Configuration) -> None:
        """Something has come from the cloud; it is looked at in `run`."""
        self._waiting.append(configuration)
        self._has_work.set()

    async def run(self) -> None:
        """Look at what comes, and at what is on probation, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._has_work.wait()
            except TimeoutError:
                pass
            self._has_work.clear()
            try:
                while self._waiting:
                    await self._look_at(self._waiting.popleft())
                await self._look_at_probation()
                await self._look_at_wish()
            except Exception:
                # The last resort of the loop: whatever it is, the site is watched on.
                log.exception("a configuration could not be dealt with")

    async def _look_at(self, told: Configuration) -> None:
        if told.check is not None:
            checked = await asyncio.to_thread(self._check_only, told)
            state: ConfigurationState = "refused" if checked.errors else "checked"
            self._site.report(self._about(Version(0, told.hash), state, checked, check=told.check))
            return
        if told.version == 0:
            for report in await asyncio.to_thread(self.reports):
                self._site.report(report)
            return
        version = Version(told.version, told.hash)
        if (answer := self._known(version)) is not None:
            self._site.report(answer)
            return
        log.info("configuration %d has come", version.number)
        try:
            await self._take_in(version, told)
        except OSError as exc:
            log.error("configuration %d cannot be kept: %s", version.number, exc)  # noqa: TRY400
            self._site.report(self._about(version, "refused", why=UNKEPT))

    async def _take_in(self, version: Version, told: Configuration) -> None:
        """A version that is new here; raises `OSError` where the disk does not take it."""
        if fault := _unfit(told):
            await self._refuse(version, Checked(None, [fault], []))
        elif version.hash == self._hash_in_force and self._probation is None:
            await self._renumber(version, told)
        else:
            checked = await asyncio.to_thread(self._keep_and_check, version, told)
            if checked.gateway is None:
                await self._refuse(version, checked)
            else:
                await self._put_in_force(version, checked)

    def _known(self, version: Version) -> ConfigurationReport | None:
        """What there is to say of a version that has come before."""
        if version == self._version:
            return self._on_probation or self._in_force()
        return self._history.verdict_on(version)

    @property
    def _hash_in_force(self) -> str | None:
        return None if self._version is None else self._version.hash

    async def _renumber(self, version: Version, told: Configuration) -> None:
        """The same texts under a newer number: nothing changes but the number."""
        await asyncio.to_thread(self._history.keep, version, told.files)
        await asyncio.to_thread(self._history.hold, version)
        self._version = version
        self._site.report(self._in_force())
        self._site.tell_soon()

    def _keep_and_check(self, version: Version, told: Configuration) -> Checked:
        """In a thread: reading takes seconds on a small machine, and the polls go on."""
        self._history.keep(version, told.files)
        return checking.check(self._own, self._history.file_of(version), self._gateway)

    def _check_only(self, told: Configuration) -> Checked:
        if fault := _unfit(told):
            return Checked(None, [fault], [])
        version = Version(0, told.hash)
        try:
            self._history.keep(version, told.files)
            return checking.check(self._own, self._history.file_of(version), self._gateway)
        except OSError as exc:
            return Checked(None, [ConfigurationFault(message=f"{UNKEPT.en}: {exc.strerror}")], [])
        finally:
            self._history.drop(version)

    async def _refuse(self, version: Version, checked: Checked) -> None:
        first = checked.errors[0]
        log.warning("configuration %d is refused: %s %s", version.number, first.field, first.message)
        why = Text("配置有误", "it cannot be meant so") if first.line else Text("不能启用", "it cannot work")
        await self._turn_down(version, self._about(version, "refused", checked, why=why))

    async def _put_in_force(self, version: Version, checked: Checked) -> None:
        assert checked.gateway is not None  # noqa: S101  it was refused otherwise
        standing = self._standing or (self._gateway, self._version)
        lines = self._site.lines(standing[0], checked.gateway)
        await asyncio.to_thread(self._history.begin, version)
        self._standing = standing
        log.warning("configuration %d is put in force, on probation", version.number)
        self._on_probation = self._about(version, "probation", checked)
        self._probation = Probation(lines, time.monotonic(), self._gateway.configuration.probation_s)
        self._gateway, self._version = checked.gateway, version
        try:
            await self._site.change(checked.gateway)
        except Exception:
            log.exception("configuration %d could not be put in force", version.number)
            await self._roll_back(STUMBLED)
            return
        self._site.report(self._on_probation)
        self._site.tell_soon()

    async def _look_at_probation(self) -> None:
        if self._probation is None or self._version is None:
            return
        now_s = time.monotonic()
        if (fault := self._probation.fault(now_s, self._site.good_s())) is not None:
            await self._roll_back(fault)
        elif self._probation.is_over(now_s):
            await self._hold(self._probation, self._version, now_s)

    async def _hold(self, probation: Probation, version: Version, now_s: float) -> None:
        """It has proved itself, which counts only once the disk says so: the next start begins with that."""
        try:
            await asyncio.to_thread(self._history.hold, version)
        except OSError as exc:
            probation.ends_s = now_s + HOLD_AGAIN_S
            log.critical("on probation still, for the disk does not take that it has held: %s", exc)
            return
        log.warning("configuration %d has held and is in force", version.number)
        self._probation = self._standing = self._on_probation = None
        self._site.report(self._in_force())
        self._site.tell_soon()

    async def _roll_back(self, why: Text) -> None:
        """Work from what was in force before, and say why."""
        assert self._standing is not None  # noqa: S101  there was a probation
        assert self._version is not None  # noqa: S101
        failed, told = self._version, self._on_probation
        log.critical("configuration %d is rolled back: %s", failed.number, why.en)
        self._gateway, self._version = self._standing
        self._probation = self._standing = self._on_probation = None
        try:
            await self._site.change(self._gateway)
        finally:
            load = [] if told is None else told.load
            verdict = self._about(failed, "rolled_back", Checked(None, [], load), why=why)
            await self._turn_down(failed, verdict)

    async def _turn_down(self, version: Version, verdict: ConfigurationReport) -> None:
        """In a thread, as all that reaches the disk: a card takes its time, and the polls go on."""
        try:
            await asyncio.to_thread(self._history.turn_down, version, verdict)
        except OSError as exc:
            log.critical("the disk does not take it that a configuration was turned down: %s", exc)
        self._site.report(verdict)
        self._site.tell_soon()

    async def _look_at_wish(self) -> None:
        """Somebody on site may have asked to go back."""
        asked = await asyncio.to_thread(self._history.asked)
        if asked is None:
            return
        await asyncio.to_thread(self._history.done)
        why = _wished(asked.by)
        if self._probation is not None:
            await self._roll_back(why)
        elif self._version is not None:
            await self._go_back(self._version, why)

    async def _go_back(self, failed: Version, why: Text) -> None:
        """From a version that has held to the one that held before it."""
        before = [version for version in self._history.state.held if version != failed]
        earlier = before[-1] if before else None
        file = None if earlier is None else self._history.file_of(earlier)
        try:
            gateway = await asyncio.to_thread(checking.earlier, self._own, file, self._gateway)
        except ConfigurationError as exc:
            log.error("cannot go back, what was in force before cannot be read: %s", exc)  # noqa: TRY400
            return
        log.critical("configuration %d is rolled back: %s", failed.number, why.en)
        self._gateway, self._version = gateway, earlier
        await self._site.change(gateway)
        await self._turn_down(failed, self._about(failed, "rolled_back", why=why))

    def _note_start(self, started: Started) -> None:
        """What the last run has left: written only now, for now no other agent is at work."""
        failed = started.interrupted or started.left
        if failed is None:
            return
        # Who asked to go back from what was on probation is answered by that, and must not go back twice.
        asked = self._history.asked()
        why = INTERRUPTED if asked is None else _wished(asked.by)
        log.critical("configuration %d is rolled back: %s", failed.number, why.en)
        try:
            self._history.done()
            self._history.turn_down(failed, self._about(failed, "rolled_back", why=why))
        except OSError as exc:
            log.critical("the disk does not take what has become of a configuration: %s", exc)

    def _in_force(self) -> ConfigurationReport:
        version = self._version or Version(0, "")
        load = checking.load_on(self._gateway.buses)
        return self._about(version, "in_force", Checked(None, [], load))

    def _about(
        self,
        version: Version,
        state: ConfigurationState,
        checked: Checked | None = None,
        *,
        why: Text | None = None,
        check: str | None = None,
    ) -> ConfigurationReport:
        return ConfigurationReport(
            boot=self._boot,
            at=self._now_ms(),
            version=version.number,
            hash=version.hash,
            state=state,
            why=why,
            errors=[] if checked is None else checked.errors,
            load=[] if checked is None else checked.load,
            check=check,
        )


def _unfit(told: Configuration) -> ConfigurationFault | None:
    """What is wrong with the texts before anybody reads them."""
    try:
        bundle.check(told.files)
    except bundle.BundleError as exc:
        return ConfigurationFault(file=exc.file, message=exc.message, mend=exc.mend)
    if bundle.digest(told.files) != told.hash:
        return ConfigurationFault(message="the texts are not those of the hash", mend="Send them again.")
    return None


def _wished(by: str) -> Text:
    return Text(f"现场有人要求回退：{by or '未署名'}", f"somebody on site asked for it: {by or 'nameless'}")
