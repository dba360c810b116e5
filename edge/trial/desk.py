"""Where the cloud's requests for trials come in: one trial at a time, each request made once."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from edge.config import transport_of
from edge.config.profiles import can_speak
from edge.drivers import Answer, Request, Traffic
from edge.lately import Said
from edge.settings import ModbusSettings, SpeakingSettings
from edge.trial.hearing import frames_of
from edge.trial.line import OPEN_S
from edge.trial.trying import Place, Reach, Trying, longest_s
from sitewarden.errors import ConfigurationError, MessageError, SiteWardenError, UnreachableError
from sitewarden.messages import decode, encode
from sitewarden.profiles import AnyProfile, ModbusProfile, load_profiles, parse_profile
from sitewarden.profiles.conformance import Report, report
from sitewarden.profiles.hints import usual_spans
from sitewarden.profiles.trial import Trial
from sitewarden.text import Text
from sitewarden.trials import TAKES_S, FrameSeen, TrialAsked, TrialState, TrialTold

log = logging.getLogger(__name__)

REMEMBERED = 16
"""Requests whose answer is told again where they come again."""
MOST_WAITING = 4
"""Requests looked at at a time; more are dropped, and the cloud sends them again."""
_FILE = Path("profile.yaml")
"""As complaints about the text name it."""


class Bus(Protocol):
    """A bus that is being polled."""

    @property
    def modbus(self) -> ModbusSettings:
        """How it speaks."""

    def polls_unit(self, unit: int) -> bool:
        """Whether that unit is polled."""

    async def read_beside(self, unit: int, request: Request, timeout_s: float, counted: Traffic) -> Answer:
        """Ask between the polls."""


class Hearing(Protocol):
    """A bus on which devices speak by themselves."""

    @property
    def settings(self) -> SpeakingSettings:
        """How they speak."""

    def lately(self, identity: str) -> list[Said]:
        """What somebody has said lately."""

    def heard_of(self) -> list[str]:
        """Who has said anything."""


class RefusedError(SiteWardenError):
    """A trial that is not made."""

    def __init__(self, zh: str, en: str) -> None:
        """Why, in both languages."""
        super().__init__(en)
        self.why = Text(zh, en)


class _Found(NamedTuple):
    """What a trial came to, one of both."""

    report: Report | None = None
    heard: Sequence[FrameSeen] = ()


class _Beside:
    """One bus as a trial sees it."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self.traffic = bus, Traffic()

    async def read(self, unit: int, request: Request, timeout_s: float) -> Answer:
        return await self._bus.read_beside(unit, request, timeout_s, self.traffic)


class Desk:
    """Takes requests, makes trials, tells what came of them."""

    def __init__(
        self,
        buses: Callable[[], Mapping[str, Bus]],
        tell: Callable[[TrialTold], Awaitable[None]],
        now_ms: Callable[[], int],
        ears: Callable[[], Mapping[str, Hearing]] = dict,
        stamp: Callable[[float], int] = round,
    ) -> None:
        """`buses` and `ears` are asked for at each request: those that are at work at that moment.

        `stamp` gives the UTC milliseconds of an instant of the loop's clock.
        """
        self._buses, self._ears, self._tell_cloud = buses, ears, tell
        self._now_ms, self._stamp = now_ms, stamp
        self._told: dict[str, TrialTold] = {}
        """What was told last of each request, the newest request last."""
        self._order: deque[str] = deque()
        self._is_trying = False
        self.tasks: set[asyncio.Task[None]] = set()
        """To be cancelled when the agent ends."""

    def take(self, body: bytes) -> None:
        """A message of the cloud; does not wait. Raises `MessageError` where it is not understood."""
        asked = decode(body, TrialAsked)
        if len(self.tasks) >= MOST_WAITING:
            log.warning("too many requests at a time; left alone trial=%s", asked.request)
            return
        task = asyncio.create_task(self._take(asked), name="trial")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _take(self, asked: TrialAsked) -> None:
        known = self._told.get(asked.request)
        if known is not None:
            await self._tell_cloud(known)
            return
        who = asked.identity or asked.unit
        log.info("trial=%s bus=%s device=%s kind=%s", asked.request, asked.bus, who, asked.kind)
        try:
            work = self._work_for(asked)
        except RefusedError as exc:
            await self._tell(asked, "refused", why=exc.why)
            return
        self._is_trying = True
        try:
            await self._try(asked, work)
        finally:
            self._is_trying = False

    def _work_for(self, asked: TrialAsked) -> Callable[[], Awaitable[_Found]]:
        """What is to be done; raises `RefusedError`."""
        if (late_ms := self._now_ms() - asked.expires) > 0:
            raise RefusedError(
                f"请求已过期 {late_ms / 1000:.0f} s（以网关时钟计）",
                f"the request expired {late_ms / 1000:.0f} s ago by the gateway's clock",
            )
        if self._is_trying:
            raise RefusedError("网关正在试读另一台设备", "the gateway is trying another device")
        buses, ears = self._buses(), self._ears()
        if asked.bus in buses:
            if asked.unit is None:
                raise RefusedError("该总线由网关轮询：请写从站号", "the bus is polled: name the unit")
            return partial(self._found, asked, asked.unit, buses[asked.bus])
        if asked.bus in ears:
            if not asked.identity:
                en = "devices on this bus speak by themselves: name the identity"
                raise RefusedError("该总线上的设备主动上报：请写设备标识", en)
            return partial(self._heard, asked, ears[asked.bus])
        known = ", ".join(sorted([*buses, *ears])) or "-"
        raise RefusedError(
            f"网关没有总线 {asked.bus}；现有：{known}",
            f"the gateway has no bus `{asked.bus}`; it has: {known}",
        )

    async def _try(self, asked: TrialAsked, work: Callable[[], Awaitable[_Found]]) -> None:
        await self._tell(asked, "running")
        try:
            report, heard = await work()
            told = self._as_told(asked, "done", report=report, heard=heard)
            encode(told)
        except RefusedError as exc:
            told = self._as_told(asked, "refused", why=exc.why)
        except TimeoutError:
            why = Text(
                "总线没有足够的空闲时间，试读未完成", "the bus had no time for all of it beside its polls"
            )
            told = self._as_told(asked, "failed", why=why)
        except UnreachableError as exc:
            told = self._as_told(asked, "failed", why=Text(f"设备无应答：{exc}", str(exc)))
        except MessageError as exc:
            told = self._as_told(asked, "failed", why=Text(f"结果过大：{exc}", f"too much to tell: {exc}"))
        except Exception:
            log.exception("a trial failed trial=%s", asked.request)
            why = Text("网关程序出错，详见其日志", "the gateway's program stumbled; its log says how")
            told = self._as_told(asked, "failed", why=why)
        await self._tell_cloud(told)

    async def _found(self, asked: TrialAsked, unit: int, bus: Bus) -> _Found:
        """What a trial comes to. What takes the processor long is done in a thread: polls go on."""
        profile = await asyncio.to_thread(_polled_profile, asked, bus)
        place = Place(unit, longest_s(profile, bus.modbus.timeout_ms), f"bus {asked.bus} unit {unit}")
        reach = Reach(
            asked.seconds if asked.kind == "conformance" else 0.0,
            # Whoever is relied on is not asked for what might upset it.
            is_asked_strange=asked.kind == "conformance" and not bus.polls_unit(unit),
        )
        async with asyncio.timeout(TAKES_S):
            trial = await Trying(profile, place, _Beside(bus), _say_nothing).read(reach, OPEN_S)
        return _Found(await asyncio.to_thread(_judged, profile, trial))

    async def _heard(self, asked: TrialAsked, ear: Hearing) -> _Found:
        """What it has said lately, by the profile; raises `UnreachableError` where that is nothing."""
        profile = await asyncio.to_thread(_profile_of, asked)
        if isinstance(profile, ModbusProfile) or not can_speak(profile, ear.settings):
            en = f"`{profile.profile}` does not speak as this bus does"
            raise RefusedError(f"{profile.profile} 与该总线的协议不符", en)
        said = [(self._stamp(one.at_s), one.body) for one in ear.lately(asked.identity)]
        if not said:
            others = ", ".join(one[:40] for one in ear.heard_of()) or "-"
            raise UnreachableError(f"nothing was heard of `{asked.identity}`; heard lately: {others}")
        return _Found(heard=await asyncio.to_thread(frames_of, profile, said))

    async def _tell(self, asked: TrialAsked, state: TrialState, why: Text | None = None) -> None:
        await self._tell_cloud(self._as_told(asked, state, why=why))

    def _as_told(
        self,
        asked: TrialAsked,
        state: TrialState,
        *,
        why: Text | None = None,
        report: Report | None = None,
        heard: Sequence[FrameSeen] = (),
    ) -> TrialTold:
        """What is told from now on of a request."""
        if asked.request not in self._told:
            self._order.append(asked.request)
            if len(self._order) > REMEMBERED:
                del self._told[self._order.popleft()]
        told = TrialTold(
            request=asked.request,
            at=self._now_ms(),
            state=state,
            why=why,
            report=report,
            heard=list(heard),
        )
        self._told[asked.request] = told
        return told


def _profile_of(asked: TrialAsked) -> AnyProfile:
    """The profile; raises `RefusedError`."""
    try:
        return parse_profile(asked.profile, _FILE)
    except ConfigurationError as exc:
        raise RefusedError(f"配置档有误：{exc}", str(exc)) from exc


def _polled_profile(asked: TrialAsked, bus: Bus) -> ModbusProfile:
    """The profile, if it can be tried on that bus; raises `RefusedError`."""
    profile = _profile_of(asked)
    if not isinstance(profile, ModbusProfile):
        raise RefusedError(
            f"{profile.profile} 是主动上报的设备，不在轮询总线上",
            f"`{profile.profile}` speaks by itself, and is not on a bus that is polled",
        )
    transport = transport_of(bus.modbus)
    if transport not in profile.modbus.transports:
        offered = ", ".join(profile.modbus.transports)
        raise RefusedError(
            f"{profile.profile} 不支持 {transport}，只支持 {offered}",
            f"`{profile.profile}` does not speak Modbus over {transport}, only over {offered}",
        )
    return profile


def _judged(profile: ModbusProfile, trial: Trial) -> Report:
    return report(profile, trial, usual_spans(load_profiles()))


def _say_nothing(_: str) -> None:
    """Nobody sits at a prompt."""
