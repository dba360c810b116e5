"""Notices by mail (RFC 5321)."""

import hashlib
import re
import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import msgspec

from cloud.notices.bounds import bounds
from cloud.notices.model import Enclosed, MailTarget, Outcome, Outgoing, Route
from cloud.notices.reaching import PATIENCE_S, UnreachedError, dial, encrypt, within
from cloud.settings import Network

_MAY_PASS = 400, 499


class _Server(smtplib.SMTP):
    """Connects to nothing but what may be reached, and hides its address from the other side."""

    def __init__(self, target: MailTarget, networks: Sequence[Network], trusted: ssl.SSLContext) -> None:
        self._target, self._networks, self._trusted = target, networks, trusted
        super().__init__(local_hostname="[127.0.0.1]")
        # Whose certificate STARTTLS asks for.
        self._host = target.host

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002  as there
        # Where smtplib itself makes its connection, and SMTP_SSL makes another.
        connection = dial(host, port, self._networks)
        if self._target.security == "tls":
            return encrypt(connection, host, self._trusted)
        return connection


def send_mail(
    route: Route, notice: Outgoing, networks: Sequence[Network], trusted: ssl.SSLContext
) -> Outcome:
    """Hand the notice to the server; raises `UnreachedError` where it never got so far."""
    target = MailTarget(**route.target)
    if notice.addressed:
        target = target.model_copy(update={"recipients": list(notice.addressed)})
    enclosed = None if notice.enclosing is None else notice.enclosing()
    patience_s = PATIENCE_S if enclosed is None else bounds().enclosed.patience_s
    message = message_of(target, notice, enclosed)
    server = _Server(target, networks, trusted)
    try:
        with within(lambda: server.sock, patience_s):
            try:
                refused = _approach(server, target, route.secret.get("password", ""), trusted)
            except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as exc:
                return _refusal(exc)
            except (smtplib.SMTPException, OSError) as exc:
                raise UnreachedError(_word(exc), f"{target.host}: {exc}") from exc
            if server.sock is not None:
                # One call hands all of it over, and a timeout is for the whole call.
                server.sock.settimeout(patience_s)
            outcome = _deliver(server, target, message, refused)
            return outcome if enclosed is None else _with(outcome, enclosed)
    finally:
        server.close()


def message_of(target: MailTarget, notice: Outgoing, enclosed: Enclosed | None = None) -> EmailMessage:
    """The mail. Its id is the notice's: the same mail twice is one to whoever looks at ids."""
    message = EmailMessage()
    message["Subject"] = _line(notice.title)
    message["From"] = target.sender
    message["To"] = ", ".join(target.recipients)
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = f"<{notice.id}@sitewarden.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    if notice.level >= 3:  # noqa: PLR2004  an alarm or worse, which a mail program may put on top
        message["Importance"] = "high"
    message.set_content(notice.body, cte="base64")
    if enclosed is not None:
        kind, _, form = enclosed.media_type.partition("/")
        message.add_attachment(enclosed.content, maintype=kind, subtype=form, filename=_line(enclosed.name))
    return message


def _with(outcome: Outcome, enclosed: Enclosed) -> Outcome:
    return msgspec.structs.replace(outcome, enclosed=hashlib.sha256(enclosed.content).hexdigest())


def _approach(server: _Server, target: MailTarget, password: str, trusted: ssl.SSLContext) -> dict[str, str]:
    """All but the mail itself; returns which recipients were refused, and how."""
    code, said = server.connect(target.host, target.port)
    if code != 220:  # noqa: PLR2004  RFC 5321, 4.2.1
        raise smtplib.SMTPConnectError(code, said)
    server.ehlo_or_helo_if_needed()
    if target.security == "starttls":
        try:
            server.starttls(context=trusted)
        except ssl.SSLError as exc:
            raise UnreachedError("tls", f"no safe connection to {target.host}: {exc}") from exc
        server.ehlo()
    if target.username:
        log_in(server, target.username, password)
    code, said = server.mail(target.sender)
    if code >= 400:  # noqa: PLR2004
        raise smtplib.SMTPSenderRefused(code, said, target.sender)
    refused = {}
    for recipient in target.recipients:
        code, said = server.rcpt(recipient)
        if code >= 400:  # noqa: PLR2004
            refused[recipient] = (code, said)
    if len(refused) == len(target.recipients):
        raise smtplib.SMTPRecipientsRefused(refused)
    return {recipient: f"{code} {_text(said)}" for recipient, (code, said) in refused.items()}


def log_in(server: smtplib.SMTP, username: str, password: str) -> None:
    """As `login`; raises `UnreachedError` too where a letter of them is none that can be sent."""
    try:
        server.login(username, password)
    except UnicodeError:
        # Which letter it is, is not said: it may be one of the password. What was raised names it.
        said = "the user name or the password has letters that cannot be sent to a mail server"
        raise UnreachedError("not-ascii", said, is_final=True) from None


def _deliver(server: _Server, target: MailTarget, message: EmailMessage, refused: dict[str, str]) -> Outcome:
    try:
        code, said = server.data(message.as_bytes(policy=SMTP))
    except smtplib.SMTPDataError as exc:
        return _rejected(exc.smtp_code, exc.smtp_error)
    except (smtplib.SMTPException, OSError) as exc:
        return Outcome(
            state="unknown",
            code="no-answer",
            text=f"{target.host} took it and said nothing: {exc}",
            silent=True,
        )
    if code >= 400:  # noqa: PLR2004
        return _rejected(code, said)
    if refused:
        # Some have it: a second try would give it to them twice.
        told = "; ".join(f"{recipient}: {how}" for recipient, how in refused.items())
        first = next(iter(refused.values())).split(" ")[0]
        return Outcome(state="rejected", code=first, text=f"the others have it, but not {told}")
    return Outcome(state="sent", code=str(code), text=_text(said))


def _refusal(exc: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) -> Outcome:
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(exc.recipients.values()))
        return _rejected(code, said)
    # It speaks so before it has heard whom the mail is for.
    outcome = _rejected(exc.smtp_code, exc.smtp_error)
    return msgspec.structs.replace(outcome, away=outcome.again)


def _rejected(code: int, said: bytes | str) -> Outcome:
    least, most = _MAY_PASS
    return Outcome(state="rejected", code=str(code), text=_text(said), again=least <= code <= most)


def _word(exc: Exception) -> str:
    if isinstance(exc, smtplib.SMTPNotSupportedError):
        return "unsupported"
    return "timeout" if isinstance(exc, TimeoutError) else "unreachable"


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _line(text: str) -> str:
    """A header is one line, whatever a gateway has called its alarm."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", text).strip()
