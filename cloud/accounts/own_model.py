"""What somebody sees and changes of his own ways in."""

from typing import Annotated

from pydantic import Field

from cloud.accounts.model import MIN_PASSWORD, Asked, Name
from cloud.instants import Moment
from cloud.shown import Instant, Shown, TextShown

Code = Annotated[str, Field(min_length=1, max_length=40)]
OptionalPassword = Annotated[
    str, Field(max_length=1000, description="Left out by an account that signs in elsewhere.")
]


class Proof(Asked):
    """The own password once more."""

    password: OptionalPassword = ""


class ProofWithCode(Proof):
    """And a code, or a recovery code."""

    code: Code


class CodeGiven(Asked):
    """A code of the authenticator."""

    code: Code


class FactorShown(Shown):
    """The second factor of one's own account."""

    active: bool
    since: Instant | None
    required: bool = Field(description="Whether a role that one has asks for it.")
    recovery_codes_left: int
    has_password: bool = Field(description="Whether the account has a password here to be asked for.")


class FactorBegun(Shown):
    """A secret for an authenticator; it is shown this once, and in force when a code has confirmed it."""

    secret: str
    uri: str = Field(description="The same for a QR code (otpauth).")


class RecoveryCodes(Shown):
    """Each takes the place of a code, once. They are shown this once."""

    codes: list[str]


class TokenAsked(Proof):
    """A token for a program."""

    name: Name
    permissions: Annotated[
        list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=200)
    ] = Field(description="Some of those that the account has; what it loses later the token loses too.")
    expires_at: Moment = Field(description="At most 366 days from now.")


class TokenShown(Shown):
    """A token, without what is secret."""

    id: int
    name: str
    permissions: list[str]
    made_at: Instant
    expires_at: Instant
    used_at: Instant | None
    is_over: bool


class TokenMade(Shown):
    """A new token; it is shown this once."""

    token: str
    shown: TokenShown


class OwnPermissions(Shown):
    """What one may do somewhere."""

    permissions: dict[str, TextShown]


class SigningPassword(Asked):
    """A password for signing alone, of an account that has no other here."""

    password: OptionalPassword = Field(default="", description="The one before, if one knows it.")
    new_password: Annotated[str, Field(min_length=MIN_PASSWORD, max_length=1000)]


class SigningKeyShown(Shown):
    """A key by which one has signed, or does."""

    key: int
    fingerprint: str = Field(description="SHA-256 of the public key, the first 16 digits of it.")
    made_at: Instant
    ended_at: Instant | None
    end_reason: str | None
    signatures: int
