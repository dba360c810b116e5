"""The cloud's configuration file, checked for meaning before anything starts."""

import ipaddress
import re
import ssl
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from cloud.metrics.access import is_local
from cloud.storage.settings import StorageSettings
from sitewarden import documents
from sitewarden.errors import ConfigurationError
from sitewarden.text import Text
from sitewarden.topics import IDENTIFIER, Mode

Port = Annotated[int, msgspec.Meta(ge=1, le=65535, description="a port from 1 to 65535")]
_LAST_PORT = 65535
_TOKEN_LENGTH = 20


class Database(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A PostgreSQL of the operator's own."""

    dsn: str
    """A libpq connection string or URI; the user must own the database (it runs the migrations)."""


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the gateways' messages come from."""

    host: str = "127.0.0.1"
    port: Port = 1883
    username: str | None = None
    password_file: str | None = None
    """Relative to the configuration file; its first line is the password."""


class SiteSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site and the gateways that may speak for it, put into the registry at the start."""

    site: str
    name: Text
    time_zone: str
    gateways: list[str]


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes a cloud one that shows a replay and nothing else."""

    control: str
    """The replay's control socket, relative to the configuration file."""


class CertificateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Gateways log in by certificates of an own authority, which `sitewarden cloud ca create` makes."""

    ca_file: str
    """The authority's certificate (PEM), which the broker's `cafile` names."""
    key_file: str
    """The authority's key; this account alone may read it."""
    crl_file: str
    """The list of certificates that are no longer good, which the broker's `crlfile` names; written here."""
    days: Annotated[int, msgspec.Meta(ge=1, le=825, description="days from 1 to 825")] = 90
    """So long a certificate holds; gateways renew it after two thirds of that."""
    host: str | None = None
    """The listener for certificates as the cloud itself reaches it, to end the connection of whoever is shut
    out; left out, as gateways do."""
    port: Port | None = None


class EnrolmentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How gateways are let in: where they find the broker, and how the broker learns of them."""

    host: str
    """The broker as gateways reach it, from their sites."""
    port: Port = 8883
    ca_file: str | None = None
    """Certificates (PEM) that the broker's is checked against; without it gateways connect without TLS."""
    password_file: str
    """The broker's file of passwords; lines of users that are no gateways of ours are left as they are."""
    pid_file: str | None = None
    """The broker's process gets a SIGHUP when the file has changed."""
    reload_command: list[str] = []
    """Run instead; neither is given where the broker watches the file by itself."""
    certificates: CertificateSettings | None = None
    """Left out, gateways log in by passwords; given, whoever is enrolled from now on gets a certificate."""


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """The same with every path resolved; key and certificate are seen to belong together."""

    ca_file: Path
    key_file: Path
    crl_file: Path
    days: int
    host: str
    port: int


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """The same with every path resolved and the certificates read."""

    host: str
    port: int
    ca: str | None
    password_file: Path
    pid_file: Path | None = None
    reload_command: tuple[str, ...] = ()
    certificates: Certificates | None = None


class NoticeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people are told of alarms and hazards outside of the pages."""

    pages: str | None = None
    """Where people reach the pages, such as https://safety.example.com: notices link to it."""
    networks: list[str] = []
    """Addresses of your own that notices may go to, besides those of the open internet."""
    keep_days: Annotated[int, msgspec.Meta(ge=30, le=36_500, description="days, at least 30")] = 400
    """So long it is kept who was told what; what is open or evidence is kept for good."""


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Notices(msgspec.Struct, frozen=True, kw_only=True):
    """The same with every network understood."""

    pages: str | None = None
    networks: tuple[Network, ...] = ()
    keep_days: int = 400


class MediaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pictures of cameras."""

    keep_days: Annotated[int, msgspec.Meta(ge=1, le=3650, description="days, 1 to 3650")] = 30
    """So long from when it was taken, unless a hazard record has it as evidence."""
    gateway_gb: Annotated[int, msgspec.Meta(ge=1, le=10_000, description="gigabytes, 1 to 10000")] = 20
    """So much is kept of one gateway; beyond it nothing more is taken until older ones are erased."""
    key_file: str | None = None
    """64 hexadecimal digits under which unredacted pictures rest; made in the data folder where none is
    named."""


class TipSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reports by the public."""

    key_file: str | None = None
    """64 hexadecimal digits under which identities rest; made in the data folder where none is named."""


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often somebody may ask."""

    burst: Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="requests, at least 1")]
    """So many at once."""
    per_second: Annotated[float, msgspec.Meta(gt=0, le=100_000, description="more than 0 a second")]
    """And so many a second for ever."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the interface may be asked; more is answered 429. Every process counts for itself."""

    signed_in: Rate = Rate(burst=1000, per_second=50)
    """An account, or a token of one."""
    stranger: Rate = Rate(burst=1000, per_second=50)
    """An address at which nobody is signed in; many people may share one."""


class SecondFactorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who must sign in with a second factor besides the password; everybody may."""

    roles: list[str] = []
    """Whoever has one of these roles sees nothing but his own account until he has set it up."""


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signing in at a provider of identities of one's own (OpenID Connect)."""

    issuer: str
    """The provider's address, under which `/.well-known/openid-configuration` is found."""
    client_id: str
    client_secret_file: str | None = None
    """Relative to the configuration file; left out for a public client, which PKCE protects alone."""
    pages: str
    """Where people reach the pages; the provider sends them back below it, to `/api/v1/session/oidc/back`."""
    account_claim: str = "preferred_username"
    """The claim that is the account's name here; one that people cannot choose for themselves."""
    scopes: tuple[str, ...] = ("openid", "profile")
    ca_file: str | None = None
    """Certificates (PEM) that the provider's is checked against, where it is none of the public ones."""
    label: Text = Text("单位账号", "your organisation's account")
    """What the button on the sign-in page calls it."""


class Oidc(msgspec.Struct, frozen=True, kw_only=True):
    """The same with the files read."""

    issuer: str
    client_id: str
    client_secret: str | None
    back: str
    account_claim: str
    scopes: tuple[str, ...]
    ca_file: Path | None
    label: Text


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The web server speaks HTTPS itself, where no proxy in front of it does."""

    certificate_file: str
    """Its certificate and those above it (PEM)."""
    key_file: str
    """The key of the certificate, without a password."""


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """The same with paths resolved; both are seen to belong together."""

    certificate: Path
    key: Path


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may read what the processes count of themselves."""

    listen: str | None = None
    """The port of the ingest for it; left out, there is none. The web server has its own under `/metrics`."""
    token_file: str | None = None
    """Its first line is the token that readers send; left out, only this machine is answered."""


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """The same with address and token read."""

    host: str = "127.0.0.1"
    port: int | None = None
    """`None`: the ingest listens nowhere; 0: at any free port."""
    token: str | None = None


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many processes take messages in, where `cloud run` starts them."""

    workers: Annotated[int, msgspec.Meta(ge=1, le=64, description="processes from 1 to 64")] = 1
    """Of readings, which they share; alarms have one more process for themselves."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    listen: str = "127.0.0.1:8080"
    proxies: list[str] = []
    data_dir: str = "cloud-data"
    database: Database | None = None
    broker: Broker = Broker()
    enrolment: EnrolmentSettings | None = None
    notices: NoticeSettings = NoticeSettings()
    tips: TipSettings = TipSettings()
    media: MediaSettings = MediaSettings()
    second_factor: SecondFactorSettings = SecondFactorSettings()
    oidc: OidcSettings | None = None
    limits: Limits = Limits()
    tls: TlsSettings | None = None
    metrics: MetricsSettings = MetricsSettings()
    logs: Literal["text", "json"] = "text"
    storage: StorageSettings = StorageSettings()
    ingest: IngestSettings = IngestSettings()
    demo: bool = False
    replay: Replay | None = None
    sites: list[SiteSettings] = []


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration with every path and address resolved."""

    file: Path
    host: str
    port: int
    """0: any free port; `cloud run` prints which."""
    data_dir: Path
    dsn: str | None
    """`None`: the embedded PostgreSQL under `data_dir`."""
    broker: Broker
    broker_password: str | None
    demo: bool
    sites: dict[str, SiteSettings]
    """What the registry is seeded with; which sites there are, the registry knows."""
    replay: Path | None = None
    """The control socket of the replay that this cloud shows; `None`: it shows live sites."""
    enrolment: Enrolment | None = None
    """`None`: gateways get their passwords by hand."""
    notices: Notices = Notices()
    tips_key_file: Path | None = None
    """Under which reporters' identities rest; `None`: `tips.key` in the data folder."""
    second_factor_roles: list[str] = []
    """Whoever has one of them must have a second factor."""
    oidc: Oidc | None = None
    """`None`: everybody signs in by a password of this system."""
    limits: Limits = Limits()
    tls: Tls | None = None
    """`None`: the web server speaks HTTP."""
    metrics: Metrics = Metrics()
    logs: Literal["text", "json"] = "text"
    proxies: tuple[Network, ...] = ()
    """Whose word counts for where a request comes from."""
    storage: StorageSettings = StorageSettings()
    ingest: IngestSettings = IngestSettings()
    media: MediaSettings = MediaSettings()
    media_key_file: Path | None = None
    """Under which unredacted pictures rest; `None`: `media.key` in the data folder."""

    @property
    def tells(self) -> bool:
        """Whether anybody outside is told of anything: never of a demo, nor of a replay."""
        return self.mode == "live" and not self.demo

    @property
    def mode(self) -> Mode:
        """The only mode that is shown; a replay's cloud takes no other in either."""
        return "live" if self.replay is None else "replay"

    @classmethod
    def nowhere(cls) -> "Settings":
        """No site and no address: enough to describe the interface."""
        return cls(
            file=Path(),
            host="127.0.0.1",
            port=0,
            data_dir=Path(),
            dsn=None,
            broker=Broker(),
            broker_password=None,
            demo=False,
            sites={},
        )


def read_settings(file: Path) -> Settings:
    """The settings in `file`; raises `ConfigurationError` at the first thing that cannot be meant."""
    document = documents.read(file, _File)
    for error in _meaningless(document):
        raise error
    found = document.value
    host, port = _address(document, "listen", found.listen)
    return Settings(
        file=file.resolve(),
        host=host,
        port=port,
        data_dir=(file.parent / found.data_dir).resolve(),
        dsn=found.database.dsn if found.database else None,
        broker=found.broker,
        broker_password=_secret(document, "broker.password_file", found.broker.password_file),
        enrolment=_enrolment(document),
        notices=_notices(document),
        media=found.media,
        media_key_file=(file.parent / found.media.key_file).resolve() if found.media.key_file else None,
        tips_key_file=(file.parent / found.tips.key_file).resolve() if found.tips.key_file else None,
        second_factor_roles=_second_factor_roles(document),
        oidc=_oidc(document),
        limits=found.limits,
        tls=_tls(document),
        metrics=_metrics(document),
        logs=found.logs,
        proxies=_networks(document, "proxies", found.proxies),
        storage=found.storage,
        ingest=found.ingest,
        demo=found.demo,
        replay=(file.parent / found.replay.control).resolve() if found.replay else None,
        sites={site.site: site for site in found.sites},
    )


def _address(document: documents.Document[_File], where: str, text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) <= _LAST_PORT):
        raise document.error(where, f"`{text}` is not host:port", "Write it like 127.0.0.1:8080.")
    return host.strip("[]"), int(port)


def _tls(document: documents.Document[_File]) -> Tls | None:
    found = document.value.tls
    if found is None:
        return None
    folder = document.file.parent
    files = Tls(certificate=folder / found.certificate_file, key=folder / found.key_file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key, password="")
    except (OSError, ValueError) as exc:
        said = f"`{found.certificate_file}` and `{found.key_file}` are no certificate and its key: {exc}"
        raise document.error("tls", said, "Name PEM files that this account may read.") from exc
    return files


def _metrics(document: documents.Document[_File]) -> Metrics:
    found = document.value.metrics
    token = _secret(document, "metrics.token_file", found.token_file)
    if token is not None and (len(token) < _TOKEN_LENGTH or not token.isascii()):
        said = f"`{found.token_file}` holds a token that could be guessed"
        raise document.error("metrics.token_file", said, "Write 20 letters and digits or more on line 1.")
    if found.listen is None:
        return Metrics(token=token)
    host, port = _address(document, "metrics.listen", found.listen)
    if token is None and not is_local(host):
        said = f"`{found.listen}` is open to others, and no token is asked for"
        raise document.error("metrics.listen", said, "Name a `token_file`, or listen on 127.0.0.1.")
    return Metrics(host=host, port=port, token=token)


def _secret(document: documents.Document[_File], where: str, name: str | None) -> str | None:
    """The first line of a file that the configuration names."""
    if name is None:
        return None
    try:
        lines = (document.file.parent / name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        mend = "Check the path and its permissions."
        raise document.error(where, f"`{name}` cannot be read: {exc}", mend) from exc
    if not lines or not lines[0]:
        raise document.error(where, f"`{name}` is empty", "Write the password on line 1.")
    return lines[0]


def _second_factor_roles(document: documents.Document[_File]) -> list[str]:
    from cloud.accounts.roles import roles  # noqa: PLC0415  reads its file only where somebody names a role

    named = document.value.second_factor.roles
    for i, role in enumerate(named):
        if role not in roles().roles:
            mend = f"One of {', '.join(roles().roles)}."
            raise document.error(f"second_factor.roles.{i}", f"there is no role `{role}`", mend)
    return named


def _oidc(document: documents.Document[_File]) -> Oidc | None:
    found, folder = document.value.oidc, document.file.parent
    if found is None:
        return None
    for field, address in (("issuer", found.issuer), ("pages", found.pages)):
        parts = urlsplit(address)
        local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
            mend = "Write it like https://id.example.com; http only on this machine."
            raise document.error(f"oidc.{field}", f"`{address}` is no safe address", mend)
    if "openid" not in found.scopes:
        raise document.error("oidc.scopes", "`openid` is missing", "Add it; nobody is told who it is else.")
    ca_file = None if found.ca_file is None else (folder / found.ca_file).resolve()
    if ca_file is not None and not ca_file.is_file():
        raise document.error("oidc.ca_file", f"`{found.ca_file}` is not a file", "Name a PEM file.")
    return Oidc(
        issuer=found.issuer,
        client_id=found.client_id,
        client_secret=_secret(document, "oidc.client_secret_file", found.client_secret_file),
        back=f"{found.pages.rstrip('/')}/api/v1/session/oidc/back",
        account_claim=found.account_claim,
        scopes=found.scopes,
        ca_file=ca_file,
        label=found.label,
    )


def _enrolment(document: documents.Document[_File]) -> Enrolment | None:
    found, folder = document.value.enrolment, document.file.parent
    if found is None:
        return None
    password_file = (folder / found.password_file).resolve()
    if not password_file.is_file():
        raise document.error(
            "enrolment.password_file",
            f"`{found.password_file}` is not a file",
            "Name the file that the broker's own `password_file` names.",
        )
    if found.pid_file is not None and found.reload_command:
        raise document.error(
            "enrolment", "`pid_file` and `reload_command` exclude each other", "Keep one of them."
        )
    return Enrolment(
        host=found.host,
        port=found.port,
        ca=_certificates(document, found.ca_file),
        password_file=password_file,
        pid_file=None if found.pid_file is None else (folder / found.pid_file).resolve(),
        reload_command=tuple(found.reload_command),
        certificates=_authority(document, found),
    )


def _authority(document: documents.Document[_File], enrolment: EnrolmentSettings) -> Certificates | None:
    """The files of whoever signs gateways' certificates, looked at before anything starts."""
    from cloud.enrolment.authority import Authority, AuthorityError  # noqa: PLC0415  most clouds have none

    found, folder, where = enrolment.certificates, document.file.parent, "enrolment.certificates"
    if found is None:
        return None
    if enrolment.ca_file is None:
        mend = "Name the certificates that the broker's own is checked against."
        raise document.error(where, "certificates need TLS, and `ca_file` is missing above them", mend)
    ca_file, key_file = (folder / found.ca_file).resolve(), (folder / found.key_file).resolve()
    if key_file.exists() and key_file.stat().st_mode & 0o077:
        message = f"others on this machine can use `{found.key_file}`"
        raise document.error(f"{where}.key_file", message, f"chmod 600 {found.key_file}")
    try:
        Authority.read(ca_file, key_file)
    except AuthorityError as exc:
        mend = f"Make both: sitewarden cloud ca create {ca_file.parent}"
        raise document.error(f"{where}.key_file", str(exc), mend) from exc
    crl_file = (folder / found.crl_file).resolve()
    if not crl_file.parent.is_dir():
        message = f"the folder of `{found.crl_file}` is not there"
        raise document.error(f"{where}.crl_file", message, "Name the file that the broker's `crlfile` names.")
    return Certificates(
        ca_file=ca_file,
        key_file=key_file,
        crl_file=crl_file,
        days=found.days,
        host=found.host or enrolment.host,
        port=found.port or enrolment.port,
    )


def _notices(document: documents.Document[_File]) -> Notices:
    found = document.value.notices
    pages = found.pages
    if pages is not None and not (urlsplit(pages).scheme in {"http", "https"} and urlsplit(pages).hostname):
        raise document.error(
            "notices.pages", f"`{pages}` is no address of pages", "Write it like https://safety.example.com."
        )
    return Notices(
        pages=None if pages is None else pages.rstrip("/"),
        networks=_networks(document, "notices.networks", found.networks),
        keep_days=found.keep_days,
    )


def _networks(document: documents.Document[_File], where: str, texts: list[str]) -> tuple[Network, ...]:
    networks: list[Network] = []
    for i, text in enumerate(texts):
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError as exc:
            message = f"`{text}` is no network: {exc}"
            raise document.error(f"{where}.{i}", message, "Write it like 10.1.0.0/16.") from exc
    return tuple(networks)


def _certificates(document: documents.Document[_File], name: str | None) -> str | None:
    """Certificates as gateways get them; a private key in the same file must not travel with them."""
    if name is None:
        return None
    try:
        text = (document.file.parent / name).read_text(encoding="utf-8")
        found = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
        certificates = "".join(f"{certificate}\n" for certificate in found)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
    except (OSError, ValueError) as exc:
        raise document.error(
            "enrolment.ca_file", f"`{name}` is no file of certificates: {exc}", "Name a PEM file."
        ) from exc
    return certificates


def _meaningless(document: documents.Document[_File]) -> Iterator[ConfigurationError]:
    value = document.value
    if (value.broker.username is None) != (value.broker.password_file is None):
        yield document.error("broker", "`username` and `password_file` go together", "Give both, or neither.")
    seen: set[str] = set()
    for i, site in enumerate(value.sites):
        if site.site in seen:
            yield document.error(f"sites.{i}.site", f"`{site.site}` is given twice", "Keep one of them.")
        seen.add(site.site)
        yield from _meaningless_site(document, i, site)


def _meaningless_site(
    document: documents.Document[_File], i: int, site: SiteSettings
) -> Iterator[ConfigurationError]:
    letters = "Use a-z, 0-9 and -, at most 63 characters."
    if not IDENTIFIER.fullmatch(site.site):
        yield document.error(f"sites.{i}.site", f"`{site.site}` cannot go into a topic", letters)
    if site.time_zone not in zoneinfo.available_timezones():
        yield document.error(
            f"sites.{i}.time_zone",
            f"there is no time zone `{site.time_zone}`",
            "Use a name like Asia/Shanghai.",
        )
    for j, gateway in enumerate(site.gateways):
        if not IDENTIFIER.fullmatch(gateway):
            yield document.error(f"sites.{i}.gateways.{j}", f"`{gateway}` cannot go into a topic", letters)
        if gateway in site.gateways[:j]:
            yield document.error(
                f"sites.{i}.gateways.{j}", f"`{gateway}` is given twice", "Keep one of them."
            )
