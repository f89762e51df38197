"""The public keys of an identity provider: its JWKS (RFC 7517), kept for a while."""

import asyncio
import math
import time
from collections.abc import Callable

import structlog
from jwt import PyJWK, PyJWKClient, PyJWKSet, PyJWTError

from modelpick_shared.errors import TransientError

log = structlog.get_logger()

# Public keys only: with HS256 whoever knows the public key could sign.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
FETCH_TIMEOUT_S = 5.0
# A key that the provider withdrew is refused after this; while the provider is away, after an hour.
REFRESH_S = 600.0
KEEP_S = 3600.0
# Anyone can name a key that does not exist, so that is looked up this often at most.
SEARCH_EVERY_S = 60.0
RETRY_EVERY_S = 5.0


class IdentityProviderError(TransientError):
    """The identity provider's keys cannot be had at the moment."""


class SigningKeys:
    """Fetches the keys when a token first needs them, every 10 minutes, and when a token names a new one.

    The event loop never waits for the provider, and tokens with a known key do not either.
    """

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = PyJWKClient(
            url, cache_jwk_set=False, timeout=FETCH_TIMEOUT_S, headers={"User-Agent": "modelpick"}
        )
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._keys: dict[str | None, PyJWK] = {}
        self._fetched_at_s = self._failed_at_s = self._searched_at_s = -math.inf

    async def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key of that id, None when the provider has none. Raises IdentityProviderError."""
        if not self._good_enough(key_id):
            async with self._one_at_a_time:
                await self._update(key_id)
        return self._keys.get(key_id)

    def _good_enough(self, key_id: str | None) -> bool:
        """Say whether a key is known and fresh, or known while another request refreshes them all."""
        if key_id not in self._keys or self._older_than(KEEP_S):
            return False
        return self._one_at_a_time.locked() or not self._older_than(REFRESH_S)

    async def _update(self, key_id: str | None) -> None:
        """Fetch the keys if that is due. One that was known an hour ago does without."""
        try:
            if self._older_than(REFRESH_S):
                await self._fetch(again_after_s=RETRY_EVERY_S)
            elif key_id not in self._keys:
                await self._search()
        except IdentityProviderError:
            if key_id not in self._keys or self._older_than(KEEP_S):
                raise

    async def _search(self) -> None:
        if self._clock() - self._searched_at_s >= SEARCH_EVERY_S:
            self._searched_at_s = self._clock()
            await self._fetch(again_after_s=0)
        elif self._failed_at_s > self._fetched_at_s:
            raise IdentityProviderError("the identity provider's keys could not be fetched")

    async def _fetch(self, *, again_after_s: float) -> None:
        if self._clock() - self._failed_at_s < again_after_s:
            raise IdentityProviderError("the identity provider's keys could not be fetched")
        try:
            async with asyncio.timeout(FETCH_TIMEOUT_S):
                fetched = await asyncio.to_thread(self._client.get_jwk_set)
        except (PyJWTError, OSError, ValueError) as error:
            self._failed_at_s = self._clock()
            log.warning("identity_provider.unavailable", reason=repr(error))
            raise IdentityProviderError("the identity provider's keys could not be fetched") from error
        self._fetched_at_s = self._clock()
        self._keys = _by_id(fetched)

    def _older_than(self, age_s: float) -> bool:
        return self._clock() - self._fetched_at_s >= age_s


def _by_id(fetched: PyJWKSet) -> dict[str | None, PyJWK]:
    """Return the keys that sign; one that is alone also stands for tokens that name none."""
    usable = [
        key
        for key in fetched.keys
        if key.algorithm_name in ALGORITHMS and key.public_key_use in {None, "sig"}
    ]
    named: dict[str | None, PyJWK] = {key.key_id: key for key in usable if isinstance(key.key_id, str)}
    return named | {None: usable[0]} if len(usable) == 1 else named
