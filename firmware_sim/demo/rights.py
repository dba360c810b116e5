"""Accounts and rights in Mosquitto's own file formats, also for the broker that stands in for it."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

HASH_ROUNDS = 101
SALT_BYTES = 12
Access = Literal["read", "write"]

ACL = """\
# Who may say what. A gateway's MQTT user name is "{site}/{gateway}", so %u keeps it to its own branch.
user cloud
topic read sw/1/+/+/+/up/#
topic write sw/1/+/+/+/down/#

user replay
topic write sw/1/replay/+/+/up/#
topic read sw/1/replay/+/+/down/#

pattern write sw/1/live/%u/up/#
pattern write sw/1/test/%u/up/#
pattern write sw/1/drill/%u/up/#
pattern read sw/1/+/%u/down/#
"""
OBSERVER = "observer"
OBSERVER_ACL = f"""
# For measuring only: sees every message, says none.
user {OBSERVER}
topic read sw/1/#
"""


def hash_password(password: str, salt: bytes | None = None) -> str:
    """`$7$101$salt$hash`, as mosquitto_passwd writes it: PBKDF2-HMAC-SHA512, salt and hash in base64."""
    salt = salt or secrets.token_bytes(SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, HASH_ROUNDS)
    return f"$7${HASH_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def password_fits(password: str, hashed: str) -> bool:
    """Whether `hashed` was made of `password`."""
    _, scheme, rounds, salt, _ = hashed.split("$")
    if scheme != "7" or int(rounds) != HASH_ROUNDS:
        return False
    return hmac.compare_digest(hash_password(password, base64.b64decode(salt)), hashed)


def password_lines(passwords: Mapping[str, str]) -> str:
    """The password file."""
    return "".join(f"{user}:{hash_password(password)}\n" for user, password in passwords.items())


def read_passwords(text: str) -> dict[str, str]:
    """Hash by user."""
    return dict(line.rsplit(":", 1) for line in text.splitlines() if ":" in line)


class Right(NamedTuple):
    """One line of the rights file."""

    user: str | None
    """`None`: a pattern, for every user."""
    access: Access
    topic: str


def read_rights(text: str) -> list[Right]:
    """The rights in a Mosquitto ACL file (`user`, `topic read|write`, `pattern read|write`; comments)."""
    rights: list[Right] = []
    user: str | None = None
    for line in text.splitlines():
        match line.split():
            case ["user", name]:
                user = name
            case ["topic", ("read" | "write") as access, topic]:
                rights.append(Right(user, access, topic))
            case ["pattern", ("read" | "write") as access, topic]:
                rights.append(Right(None, access, topic))
    return rights


def may(rights: Iterable[Right], user: str, access: Access, topic: str) -> bool:
    """Whether `user` may read from or write to `topic`."""
    return any(
        right.access == access
        and right.user in {None, user}
        and _covers((right.topic.replace("%u", user) if right.user is None else right.topic), topic)
        for right in rights
    )


def _covers(pattern: str, topic: str) -> bool:
    wanted, given = pattern.split("/"), topic.split("/")
    for i, level in enumerate(wanted):
        if level == "#":
            return True
        if i >= len(given) or level not in {"+", given[i]}:
            return False
    return len(wanted) == len(given)
