"""Signing in at a provider of identities: asking it, and whom to believe (OpenID Connect Core 1.0, PKCE).

What belongs to a sign-in under way rests in a cookie that only this process can read: a flood of beginnings
takes no memory here.
"""

import asyncio
import base64
import secrets
import ssl
import time
from urllib.parse import quote_plus

import httpx
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from cloud.settings import Oidc

BEGUN_S = 600
"""So long somebody may take at the provider."""
_KNOWN_S = 3600
"""So long what a provider says of itself is believed."""
_TIMEOUT_S = 10
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "ES384", "ES512"]
"""With a key pair alone: a secret that both know would let the one sign for the other."""
_LEEWAY_S = 60
_NONCE_BYTES = 12


class ProviderError(Exception):
    """The provider does not answer, or says what cannot be believed; the message is for the log."""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What must be the same when somebody comes back."""

    state: str
    nonce: str
    verifier: str
    """Of PKCE (RFC 7636)."""
    page: str
    """The page that he wanted."""
    until: float


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who the provider says it is."""

    issuer: str
    subject: str
    name: str | None
    """The claim that is the account's name."""


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What we need of a provider's description (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What we need of an answer to a code."""

    id_token: str


class Seal:
    """Makes and reads the cookie."""

    def __init__(self) -> None:
        """With a key of this process: who began before it started begins again."""
        self._key = AESGCM(AESGCM.generate_key(256))

    def close(self, begun: Begun) -> str:
        """As a cookie's value."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return base64.urlsafe_b64encode(
            nonce + self._key.encrypt(nonce, msgspec.json.encode(begun), None)
        ).decode()

    def open(self, text: str, now_s: float) -> Begun | None:
        """What was closed; nothing where it is another's, changed or too old."""
        try:
            raw = base64.urlsafe_b64decode(text)
            plain = self._key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
        except (ValueError, InvalidTag):
            return None
        begun = msgspec.json.decode(plain, type=Begun)
        return begun if begun.until >= now_s else None


class Provider:
    """One provider, as one process knows it."""

    def __init__(self, settings: Oidc) -> None:
        """Asks nothing yet: it may be away when we start."""
        self._settings = settings
        self._lock = asyncio.Lock()
        self._known: tuple[float, _Metadata, KeySet] | None = None
        self._verify = ssl.create_default_context(cafile=settings.ca_file)

    async def begin(self, page: str) -> tuple[str, Begun]:
        """Where to send somebody, and what to keep of it; raises `ProviderError`."""
        metadata, _ = await self._metadata()
        begun = Begun(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            page=page,
            until=time.time() + BEGUN_S,
        )
        address = prepare_grant_uri(
            metadata.authorization_endpoint,
            self._settings.client_id,
            "code",
            redirect_uri=self._settings.back,
            scope=" ".join(self._settings.scopes),
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
        )
        return str(address), begun

    async def person(self, code: str, begun: Begun) -> Person:
        """Who comes back with this code; raises `ProviderError`."""
        metadata, keys = await self._metadata()
        token = await self._exchanged(metadata.token_endpoint, code, begun.verifier)
        try:
            return self._read(token, keys, begun.nonce)
        except _UnknownKeyError:
            # The provider may have a new one.
            _, keys = await self._metadata(renew=True)
        try:
            return self._read(token, keys, begun.nonce)
        except _UnknownKeyError as exc:
            raise ProviderError(f"the provider has no such key: {exc}") from exc

    async def _exchanged(self, address: str, code: str, verifier: str) -> str:
        """The id_token for a code."""
        settings, secret = self._settings, httpx.Auth()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": settings.back,
            "code_verifier": verifier,
        }
        if settings.client_secret is None:
            form["client_id"] = settings.client_id
        else:
            # As RFC 6749, 2.3.1 has it: each part is a form's value first.
            secret = httpx.BasicAuth(quote_plus(settings.client_id), quote_plus(settings.client_secret))
        try:
            async with self._client() as client:
                answer = (await client.post(address, data=form, auth=secret)).raise_for_status()
            return msgspec.json.decode(answer.content, type=_Told).id_token
        except (httpx.HTTPError, msgspec.DecodeError) as exc:
            raise ProviderError(f"the provider does not take the code: {exc}") from exc

    def _read(self, token: str, keys: KeySet, nonce: str) -> Person:
        settings = self._settings
        wanted = {"iss": {"value": settings.issuer}, "aud": {"value": settings.client_id}}
        try:
            decoded = jwt.decode(token, keys, algorithms=_ALGORITHMS)
        except InvalidKeyIdError as exc:
            raise _UnknownKeyError(str(exc)) from exc
        except (JoseError, ValueError) as exc:
            raise ProviderError(f"the id_token is not signed as it must be: {exc}") from exc
        claims = CodeIDToken(
            decoded.claims, decoded.header, wanted, {"nonce": nonce, "client_id": settings.client_id}
        )
        try:
            claims.validate(int(time.time()), _LEEWAY_S)
        except JoseError as exc:
            raise ProviderError(f"the id_token is not to be believed: {exc}") from exc
        name = claims.get(settings.account_claim)
        return Person(
            issuer=settings.issuer, subject=str(claims["sub"]), name=name if isinstance(name, str) else None
        )

    async def _metadata(self, *, renew: bool = False) -> tuple[_Metadata, KeySet]:
        async with self._lock:
            known = self._known
            if known is None or renew or known[0] < time.monotonic() - _KNOWN_S:
                known = self._known = await self._ask()
            return known[1], known[2]

    async def _ask(self) -> tuple[float, _Metadata, KeySet]:
        issuer = self._settings.issuer
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            async with self._client() as client:
                answer = (await client.get(address)).raise_for_status()
                metadata = msgspec.json.decode(answer.content, type=_Metadata)
                if metadata.issuer != issuer:
                    raise ProviderError(f"the provider at {issuer} calls itself {metadata.issuer}")
                keys = (await client.get(metadata.jwks_uri)).raise_for_status()
                return time.monotonic(), metadata, KeySet.import_key_set(keys.json())
        except (httpx.HTTPError, msgspec.DecodeError, ValueError, JoseError) as exc:
            raise ProviderError(f"the provider at {issuer} does not answer as one: {exc}") from exc

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=_TIMEOUT_S, verify=self._verify)


class _UnknownKeyError(Exception):
    """The token names a key that the provider did not have when it was asked."""
