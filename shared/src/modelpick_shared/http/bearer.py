"""Bearer tokens (RFC 6750) of an identity provider, as Supabase, Auth0 and Keycloak issue: signed JWTs."""

import re
from http import HTTPStatus
from typing import Any

from fastapi import Request
from jwt import InvalidTokenError, PyJWK, PyJWT, PyJWTError, get_unverified_header

from modelpick_shared.http.problems import Problem
from modelpick_shared.http.signing_keys import ALGORITHMS, SigningKeys
from modelpick_shared.settings import IdentityProviderSettings

MAX_TOKEN_CHARACTERS = 16 * 1024
CLOCK_LEEWAY_S = 5
MAX_EMAIL_CHARACTERS = 254
# What mailed links are sent to as well: plain ASCII, so that lower case is the one spelling of an account.
_EMAIL = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    re.ASCII,
)


def bearer_token_of(request: Request) -> str | None:
    """Return the token of `Authorization: Bearer ...`, None without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def bearer_tokens(settings: IdentityProviderSettings) -> "BearerTokens | None":
    """Return what verifies the configured provider's tokens; None when none is configured."""
    url, issuer, audience = settings.auth_jwks_url, settings.auth_issuer, settings.auth_audience
    if url is None or issuer is None or audience is None:
        return None
    return BearerTokens(
        SigningKeys(url), issuer=issuer, audience=audience, emails_verified=settings.auth_emails_verified
    )


class BearerTokens:
    """Tells whose a token is. Signature, issuer, audience and expiry must be right, the address verified.

    `emails_verified` is for a provider whose tokens do not say so as they are given to verified people only.
    """

    def __init__(
        self, keys: SigningKeys, *, issuer: str, audience: str, emails_verified: bool = False
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._emails_verified = emails_verified
        self._decoder = PyJWT({"enforce_minimum_key_length": True})

    async def email_of(self, token: str) -> str:
        """Return the normalised address of a token's owner. Raises Problem 401, or IdentityProviderError."""
        try:
            claims = await self._claims_of(token)
        # RecursionError: a header or body of thousands of brackets.
        except (PyJWTError, RecursionError) as error:
            raise _refused("This token is not accepted.") from error
        return self._verified_email(claims)

    async def _claims_of(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise InvalidTokenError("too long")
        header = get_unverified_header(token)
        # Before the keys are asked for: nonsense must not make us fetch any.
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise InvalidTokenError("not an asymmetric algorithm")
        key = await self._keys.find(header.get("kid"))
        if key is None:
            raise InvalidTokenError("unknown key")
        return self._decoded(token, key)

    def _decoded(self, token: str, key: PyJWK) -> dict[str, Any]:
        return self._decoder.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=self._issuer,
            audience=self._audience,
            leeway=CLOCK_LEEWAY_S,
            options={"require": ["exp", "iss", "aud"]},
        )

    def _verified_email(self, claims: dict[str, Any]) -> str:
        verified = claims.get("email_verified", self._emails_verified)
        if verified is not True and verified != "true":  # some providers write it as a string
            raise _refused("The e-mail address of this token is not verified.")
        email = claims.get("email")
        normalised = email.strip(" ").lower() if isinstance(email, str) else ""
        if len(normalised) > MAX_EMAIL_CHARACTERS or not _EMAIL.fullmatch(normalised):
            raise _refused("This token has no e-mail address that can be used here.")
        return normalised


def _refused(detail: str) -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
    )
