"""What stands between a device and its being in use: every reason at once, in the order of the way. Pure."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from cloud.registry.model import DeviceKind
from sitewarden.text import Text

Step = Literal["profile", "read", "conformance", "file", "trial", "witness", "commission"]
STEPS: tuple[Step, ...] = ("profile", "read", "conformance", "file", "trial", "witness", "commission")
Standing = Literal["done", "open", "waiting", "blocked"]
"""Waiting: for the gateway. Blocked: something was found that must be mended."""

_NOT_TAKEN = frozenset({"waiting", "refused", "rolled_back"})
_REGISTERED: frozenset[DeviceKind] = frozenset({"crane", "hoist"})
"""What lifts has a filing of its owner (产权备案) and a registration of its use (使用登记)."""


class Reason(NamedTuple):
    """Something that is missing or wrong."""

    step: Step
    code: str
    says: Text
    is_blocking: bool = True
    """Found to be wrong, not only missing yet."""


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """Where the device hangs and by which profile it is read."""

    gateway: str
    bus: str
    unit: int | None
    profile: str
    version: int


class File(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry says of the device."""

    kind: DeviceKind
    serial_no: str
    property_no: str
    registration_no: str
    """Of the registration that holds; empty where none does."""
    is_registration_expired: bool
    has_parties: bool
    has_chart: bool
    points_without_design: Sequence[str] = ()
    """Points of a pit that have no design control value."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A trial of the device as it is bound now."""

    state: Literal["asked", "running", "done", "refused", "failed", "lapsed"]
    why: Text | None = None
    findings: Sequence[Text] = ()
    hints: Sequence[Text] = ()
    """Other ways to read it that would make sense: another order of the words, another unit."""


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway says that it runs."""

    commissioning: Literal["trial", "in_use"]
    profile: str
    version: int | None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """The newest configuration that was proposed for this device."""

    version: int
    state: Literal["waiting", "refused", "probation", "in_force", "rolled_back", "superseded"]
    why: str = ""


class Witnessed(msgspec.Struct, frozen=True, kw_only=True):
    """A check with a known value."""

    point: str
    version: int
    """Of the profile by which the value was read."""
    profile: str
    is_passed: bool
    is_approved: bool
    is_of_place: bool = True
    """Whether it hung where it is bound now: elsewhere it was another instrument."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that counts."""

    file: File
    binding: Binding | None = None
    denied: Sequence[str] = ()
    """Products of it that are not let in, each with why."""
    is_polled: bool = True
    """Whether it is asked; what speaks by itself is judged by what it has said on trial."""
    paper: Sequence[Text] = ()
    """Of one that speaks: what its profile lacks."""
    unheard: Sequence[str] = ()
    """Of one that speaks: points of which nothing good has come lately."""
    read: Tried | None = None
    conformance: Tried | None = None
    sent: Sent | None = None
    announced: Announced | None = None
    checks: Sequence[Witnessed] = ()
    """The newest of each point."""
    is_commissioned: bool = False
    """Somebody has commissioned it, by the profile that it is bound to or an earlier version of it."""


def reasons(facts: Facts) -> list[Reason]:
    """All that keeps the device from being in use; empty: it may be commissioned."""
    return [
        *_of_profile(facts),
        *(_of_tries(facts) if facts.is_polled else _of_speech(facts)),
        *_of_file(facts.file),
        *_of_gateway(facts),
        *_of_checks(facts),
    ]


def is_in_use(facts: Facts) -> bool:
    """Whether its alarms call people, or are to, be it put into use here or by the gateway's own file."""
    return facts.is_commissioned or (
        facts.announced is not None and facts.announced.commissioning == "in_use"
    )


def runs_as_bound(facts: Facts) -> bool:
    """Whether the gateway reads it where it is bound and by that version.

    What a gateway announces does not say of which unit it is; that it has taken what was sent for this
    binding does.
    """
    binding, announced, sent = facts.binding, facts.announced, facts.sent
    if binding is None or announced is None or sent is None or sent.state in _NOT_TAKEN:
        return False
    return (announced.profile, announced.version) == (binding.profile, binding.version)


def standing(step: Step, facts: Facts, found: Sequence[Reason]) -> Standing:
    """How far a step is."""
    if step == "commission":
        if facts.is_commissioned:
            is_there = facts.announced is not None and facts.announced.commissioning == "in_use"
            return "done" if is_there else "waiting"
        return "blocked" if any(reason.is_blocking for reason in found) else "open"
    own = [reason for reason in found if reason.step == step]
    if any(reason.is_blocking for reason in own):
        return "blocked"
    if step in ("read", "conformance") and _is_under_way(getattr(facts, step)):
        return "waiting"
    if step == "trial" and own and facts.sent is not None:
        return "waiting"
    return "open" if own else "done"


def _is_under_way(tried: Tried | None) -> bool:
    return tried is not None and tried.state in ("asked", "running")


def _of_profile(facts: Facts) -> Iterator[Reason]:
    if facts.binding is None:
        yield _missing(
            "profile",
            "no-profile",
            "还没有绑定网关、总线和配置档",
            "it is bound to no gateway, bus and profile",
        )
    for product in facts.denied:
        yield Reason(
            "profile",
            "model-denied",
            Text(f"型号在禁用目录中：{product}", f"the model is not let in: {product}"),
        )


def _of_tries(facts: Facts) -> Iterator[Reason]:
    if facts.conformance is None:
        yield from _of_trial(facts.read, "read")
    yield from _of_trial(facts.conformance, "conformance")


def _of_speech(facts: Facts) -> Iterator[Reason]:
    yield from _of_trial(facts.read, "read")
    for finding in facts.paper:
        yield Reason("conformance", "finding", finding)
    if facts.unheard:
        names = ", ".join(facts.unheard)
        said = (f"还没有收到有效测值：{names}", f"nothing good has been heard of {names}")
        yield _missing("conformance", "not-heard", *said)


def _of_trial(tried: Tried | None, step: Literal["read", "conformance"]) -> Iterator[Reason]:
    zh, en = ("试读", "test read") if step == "read" else ("一致性检测", "conformance run")
    if tried is None:
        yield _missing(step, f"no-{step}", f"这一版配置档还没有{zh}", f"this version has had no {en}")
        return
    if _is_under_way(tried):
        yield _missing(step, f"{step}-under-way", f"{zh}进行中", f"the {en} is under way")
        return
    if tried.state != "done":
        why = tried.why or Text("网关没有应答", "the gateway did not answer")
        yield Reason(
            step, f"{step}-failed", Text(f"{zh}未完成：{why.zh}", f"the {en} came to nothing: {why.en}")
        )
        return
    for hint in tried.hints:
        said = Text(f"疑似字序、类型或单位有误：{hint.zh}", f"order, type or unit look wrong: {hint.en}")
        yield Reason(step, "hint", said)
    for finding in tried.findings:
        yield Reason(step, "finding", finding)


def _of_file(file: File) -> Iterator[Reason]:
    if file.kind in _REGISTERED:
        if not file.property_no:
            yield _missing(
                "file", "no-property-no", "缺产权备案编号", "the number of its filing (产权备案) is missing"
            )
        if file.is_registration_expired:
            said = Text("使用登记已过期", "the registration of its use (使用登记) has expired")
            yield Reason("file", "registration-expired", said)
        elif not file.registration_no:
            yield _missing(
                "file",
                "no-registration",
                "缺使用登记证号：可以试运行，不能投用",
                "the registration of its use (使用登记) is missing: it may run on trial, not be in use",
            )
        if not file.has_parties:
            yield _missing("file", "no-parties", "还没有登记责任单位", "nobody is named who answers for it")
    elif not file.serial_no:
        yield _missing("file", "no-serial-no", "缺出厂编号", "the factory number is missing")
    if file.kind == "crane" and not file.has_chart:
        yield _missing("file", "no-chart", "缺起重特性表", "the load chart is missing")
    if file.points_without_design:
        names = ", ".join(file.points_without_design)
        yield _missing(
            "file", "no-design", f"缺设计控制值：{names}", f"design control values are missing: {names}"
        )


def _of_gateway(facts: Facts) -> Iterator[Reason]:
    if runs_as_bound(facts):
        return
    announced, sent = facts.announced, facts.sent
    if sent is not None and sent.state in ("refused", "rolled_back"):
        said = Text(
            f"网关没有接受配置：{sent.why}", f"the gateway did not take the configuration: {sent.why}"
        )
        yield Reason("trial", "configuration-refused", said)
    elif sent is not None and sent.state in ("waiting", "probation", "in_force"):
        yield _missing(
            "trial", "configuration-waiting", "等待网关按新配置运行", "the gateway does not run it yet"
        )
    elif announced is not None and sent is not None:
        yield _missing(
            "trial",
            "other-version",
            "网关还在用另一版配置档",
            "the gateway runs another version of the profile",
        )
    else:
        yield _missing("trial", "not-on-trial", "还没有试运行", "it does not run on trial yet")


def _of_checks(facts: Facts) -> Iterator[Reason]:
    if not facts.checks:
        yield _missing("witness", "no-check", "还没有见证核验", "no known value was checked before a witness")
    for check in facts.checks:
        yield from _of_check(check, facts.binding)


def _of_check(check: Witnessed, binding: Binding | None) -> Iterator[Reason]:
    point = check.point
    is_of_version = binding is None or (check.profile, check.version) == (binding.profile, binding.version)
    if not check.is_passed:
        said = Text(f"{point} 见证核验不合格", f"the check of {point} failed")
        yield Reason("witness", "check-failed", said)
    elif not check.is_of_place:
        yield _missing(
            "witness",
            "check-elsewhere",
            f"{point} 的见证核验是改绑之前做的",
            f"the check of {point} was made where it was bound before",
        )
    elif not is_of_version:
        yield _missing(
            "witness",
            "check-outdated",
            f"{point} 的见证核验早于这一版配置档",
            f"the check of {point} is older than this version of the profile",
        )
    elif not check.is_approved:
        yield _missing(
            "witness",
            "check-unapproved",
            f"{point} 的见证核验等待批准",
            f"the check of {point} waits for its approval",
        )


def _missing(step: Step, code: str, zh: str, en: str) -> Reason:
    return Reason(step, code, Text(zh, en), False)
