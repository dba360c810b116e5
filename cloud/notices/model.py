"""Channels and notices: as they are sent, and as the HTTP interface takes and shows them."""

import datetime as dt
import json
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from cloud.complaints import complaint
from cloud.notices.providers import providers
from cloud.registry.model import Name, Said
from cloud.shown import Identity, Instant, Shown, TextShown

Kind = Literal["mail", "dingtalk", "wecom", "feishu", "webhook", "sms", "voice", "apprise"]
Language = Literal["zh", "en"]
Security = Literal["tls", "starttls", "none"]
State = Literal["waiting", "sending", "sent", "rejected", "unknown", "counted", "inhibited"]
NoticeKind = str
"""One of `telling.yaml`, or `digest`, `flood` or `test`."""


class Enclosed(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes with a mail."""

    name: str
    media_type: str
    content: bytes


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A notice on its way."""

    id: UUID
    kind: str
    site: str | None
    level: int
    title: str
    body: str
    created_at: dt.datetime
    time_zone: str = "UTC"
    """By whose clocks its time is told: its site's."""
    addressed: tuple[str, ...] = ()
    """Whom a mail goes to; empty: its channel's people."""
    enclosing: Callable[[], Enclosed] | None = None
    """Makes the file that goes with it; raises `UnreachedError` where it must not be sent."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a channel goes, with what nobody is shown."""

    kind: str
    target: dict[str, Any]
    secret: dict[str, str]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one sending."""

    state: Literal["sent", "rejected", "unknown"]
    """Unknown: it was handed over and no answer came, so that it may have arrived."""
    code: str
    """The other side's own, such as `0`, `310000`, `550`; a word where it never answered."""
    text: str
    again: bool = False
    """Whether another try could do better."""
    silent: bool = False
    """It took all the time there is and never answered."""
    away: bool = False
    """The server itself is at fault: whoever else is told by it need not try it meanwhile."""
    took_ms: int = 0
    enclosed: str = ""
    """SHA-256 of the file that went with it, hexadecimal."""


_NOT_IN_MAIL = frozenset("<>,;\"'()[]:\\@\x7f") | {chr(code) for code in range(0x20)}
"""RFC 5322, 3.2.3: what has a meaning of its own in a head, and a reader may stumble over."""


def mail_address(text: str) -> str:
    """Raise a complaint where it is none."""
    user, at, host = text.rpartition("@")
    if not (user and at and host) or any(
        letter.isspace() or letter in _NOT_IN_MAIL for letter in user + host
    ):
        said = f"{text!r} is no mail address; write it like zhang.wei@example.com"
        raise complaint("no-mail-address", said)
    if not text.isascii():
        raise complaint("not-for-mail", f"{text!r} has letters that mail servers do not take")
    return text


def _host(text: str) -> str:
    if not text or any(letter.isspace() or letter in "/@?#" for letter in text):
        raise complaint("no-server-name", "is no name of a server; write it like smtp.example.com")
    return text


def _url(given: SecretStr) -> SecretStr:
    """Raise a complaint where it is no address that a notice could be sent to."""
    text = given.get_secret_value()
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        raise complaint("no-port", "has a port that is none") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        said = "must be a whole address that begins with https:// (or http://)"
        raise complaint("no-whole-address", said)
    if parts.username or parts.password or parts.fragment:
        raise complaint("too-much-in-address", "has a user, a password or a # in it: leave that out")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise complaint("not-for-addresses", "has letters that do not belong into an address")
    return given


def apprise_url(given: SecretStr) -> SecretStr:
    """Raise a complaint where apprise must not send there."""
    text = given.get_secret_value()
    scheme, is_whole, rest = text.partition("://")
    if not is_whole or not rest or not text.isprintable():
        raise complaint("no-whole-address", "must be a whole address of apprise, such as tgram://token/chat")
    if scheme.lower() in {"http", "https"}:
        raise complaint(
            "no-service", "is no service of apprise: choose a receiver for an address of your own"
        )
    return given


def origin_of(url: str) -> str:
    """What may be shown of an address: the rest may be a secret, and with robots is."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        # Of apprise: what stands where a server would be, mostly is a token.
        return f"{url.partition('://')[0].lower()}://…"
    return f"{parts.scheme}://{parts.netloc}"


CALLS = frozenset({"sms", "voice"})


def check_call(call: "CallTarget", kind: str) -> None:
    """Raise a complaint where the gateway needs something else."""
    provider = providers()[call.provider]
    if provider.kind != kind:
        raise complaint("other-kind", f"{call.provider} is a gateway of kind {provider.kind}")
    missing = [name for name in provider.asks if name != "url" and not getattr(call, name)]
    if missing:
        raise complaint("provider-asks", f"{call.provider} also needs {', '.join(missing)}")
    if call.own is not None and "own" not in provider.asks:
        raise complaint("not-own", f"{call.provider} is described already: leave `own` out")
    if len(call.numbers) > provider.most_numbers:
        raise complaint("too-many-numbers", f"{call.provider} takes {provider.most_numbers} at once")


Address = Annotated[str, Field(max_length=200), AfterValidator(mail_address)]


class MailTarget(BaseModel):
    """A server that sends mail, and to whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[str, Field(max_length=200), AfterValidator(_host)]
    port: Annotated[int, Field(ge=1, le=65535)] = 465
    security: Security = "tls"
    username: Annotated[str, Field(max_length=200), AfterValidator(str.strip)] = ""
    sender: Address
    recipients: Annotated[list[Address], Field(min_length=1, max_length=20)]

    @field_validator("username")
    @classmethod
    def _in_private(cls, username: str, info: ValidationInfo) -> str:
        if username and info.data.get("security") == "none":
            said = "a password would travel in the open: choose tls or starttls"
            raise complaint("password-in-the-open", said)
        return username

    @property
    def account(self) -> tuple[Any, ...]:
        """What a password was given for."""
        return self.host, self.port, self.security, self.username


PhoneNumber = Annotated[str, Field(pattern=r"^\+?[0-9]{5,15}$")]
Word = Annotated[str, Field(max_length=100), AfterValidator(str.strip)]


class OwnGateway(BaseModel):
    """A gateway of text messages or calls that nobody here knows: what it is sent, and how it answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body: Annotated[
        str,
        Field(
            max_length=4000,
            description='JSON with places: "{numbers}" (a list), {joined}, {number}, {title}, {text}, '
            "{level}, {time}, {id}, {key}.",
        ),
    ]
    headers: Annotated[dict[Word, Annotated[str, Field(max_length=500)]], Field(max_length=10)] = {}
    code: Annotated[Word, Field(min_length=1, description="Where its code stands, such as `result.code`.")]
    text: Word = ""
    accepted: Annotated[list[Word], Field(min_length=1, max_length=10, description="Codes that mean taken.")]

    @field_validator("body")
    @classmethod
    def _of_json(cls, body: str) -> str:
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise complaint("no-json-object", "must be a JSON object, its places within texts")
        return body

    @field_validator("headers")
    @classmethod
    def _of_letters(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.isascii() or not value.isprintable():
                raise complaint("no-header", "has a name or value that no header of HTTP has")
        return headers


class CallTarget(BaseModel):
    """A gateway of text messages or telephone calls, and whom it calls."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str
    key_id: Word = ""
    sign_name: Word = ""
    template: Word = ""
    app: Word = ""
    caller: Word = ""
    parameters: Annotated[
        list[Literal["title", "time", "level", "text"]],
        Field(max_length=4, description="What the template's variables are given, in its order."),
    ] = ["title"]
    numbers: Annotated[
        list[PhoneNumber],
        Field(max_length=50, description="Empty: it only serves persons, each with his own number."),
    ] = []
    own: OwnGateway | None = None

    @field_validator("provider")
    @classmethod
    def _known(cls, provider: str) -> str:
        if provider not in providers():
            raise complaint("no-such-provider", f"must be one of {', '.join(sorted(providers()))}")
        return provider

    @property
    def account(self) -> tuple[Any, ...]:
        """What a key was given for."""
        return self.provider, self.key_id, None if self.own is None else self.own.model_dump_json()


class ChannelGiven(BaseModel):
    """What a channel is set up with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Said
    kind: Kind
    language: Language = "zh"
    lowest: Annotated[int, Field(ge=1, le=4, description="Alarms below this level are not told.")] = 3
    is_on: bool = True
    for_people: bool = Field(
        default=False,
        description="Whether persons may be told by it too: by mail, short message, call or apprise.",
    )
    fallback: UUID | None = Field(
        default=None,
        description="What takes its notices over where this one refuses them, is silent or rests.",
    )
    mail: MailTarget | None = Field(default=None, validate_default=True)
    call: CallTarget | None = Field(default=None, validate_default=True)
    url: SecretStr | None = Field(
        default=None,
        max_length=2000,
        description="Of a robot, a receiver or a gateway of one's own, with its token; or of apprise. "
        "Left out in a change: as it was.",
    )
    key: SecretStr | None = Field(
        default=None,
        max_length=500,
        description="What messages are signed with (DingTalk, Feishu, webhook). Left out: as it was.",
    )
    password: SecretStr | None = Field(
        default=None, max_length=500, description="Of the mail account. Left out in a change: as it was."
    )

    @field_validator("mail")
    @classmethod
    def _of_mail(cls, mail: MailTarget | None, info: ValidationInfo) -> MailTarget | None:
        if "kind" in info.data and (info.data["kind"] == "mail") != (mail is not None):
            said = "a channel by mail says its server and people here, and no other does"
            raise complaint("only-by-mail", said)
        return mail

    @field_validator("call")
    @classmethod
    def _of_calls(cls, call: CallTarget | None, info: ValidationInfo) -> CallTarget | None:
        kind = info.data.get("kind")
        if kind is not None and (kind in CALLS) != (call is not None):
            raise complaint("only-by-call", "a channel by message or call says its gateway, no other does")
        if call is not None and kind is not None:
            check_call(call, kind)
        return call

    @field_validator("url")
    @classmethod
    def _of_kind(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is None:
            return None
        return apprise_url(url) if info.data.get("kind") == "apprise" else _url(url)


class ChannelNew(ChannelGiven):
    """A channel that is not there yet."""

    site: Name | None = Field(default=None, description="Null: of all sites.")


class LastShown(Shown):
    """How the newest notice of a channel fared."""

    state: State
    code: str
    answer: str
    at: Instant


class ChannelShown(Shown):
    """A channel, without what is secret."""

    id: Identity
    site: str | None
    name: str
    kind: Kind
    language: Language
    lowest: int
    for_people: bool
    is_on: bool
    fallback: Identity | None
    mail: MailTarget | None
    call: CallTarget | None
    origin: str | None = Field(description="Of a robot or a receiver: the address without its secret.")
    has_key: bool
    has_password: bool
    may_change: bool = Field(description="A channel of all sites is changed by who sees all sites.")
    last: LastShown | None
    version: int


class ChannelsShown(Shown):
    """The channels of a site, those of all sites among them."""

    items: list[ChannelShown]
    tells: bool = Field(description="False: a demo or a replay, which tells nobody outside.")


class NoticeShown(Shown):
    """A notice and what became of it."""

    id: Identity
    channel: Identity
    channel_name: str
    site: str | None
    kind: NoticeKind
    kind_name: TextShown
    level: int
    title: str
    body: str
    created_at: Instant
    state: State = Field(
        description="Waiting and sending: not yet. Unknown: handed over, and no answer came. Counted: over "
        "the bound of its minute or one of many of a device, told of by another notice. Inhibited: its "
        "gateway is silent, which was told."
    )
    code: str
    answer: str
    tries: int
    tried_at: Instant | None
    took_ms: int | None
    instead_of: Identity | None = Field(description="The notice of another channel that did not get there.")
    digest: Identity | None = Field(description="The notice that tells of it together with others.")


class UndeliveredShown(Shown):
    """What ought to have reached somebody by now, and has reached nobody by any way."""

    n: int
    level: int | None = Field(description="Of the gravest.")
    since: Instant | None
    may_have_arrived: bool = Field(description="Of some it is not known whether they arrived.")
    sites: list[str]


class Tested(Shown):
    """What came of a test: what the other side answered."""

    state: Literal["sent", "rejected", "unknown"]
    code: str
    text: str
    took_ms: int
