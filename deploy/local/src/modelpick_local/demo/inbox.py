from collections.abc import Sequence

import httpx
from pydantic import TypeAdapter

from modelpick_local.demo.patience import patiently
from modelpick_local.demo.schemas import Mail

_MAILS = TypeAdapter(list[Mail])


class Inbox:
    """The mails of one address, as the mail simulator keeps them."""

    def __init__(self, client: httpx.AsyncClient, mail_url: str, address: str) -> None:
        self._client = client
        self._url = f"{mail_url}/api/mails"
        self._address = address

    async def mails(self, subject: str = "") -> Sequence[Mail]:
        """Return the mails whose subject holds these words, newest first."""
        answer = await self._client.get(self._url, params={"to": self._address, "subject": subject})
        answer.raise_for_status()
        return _MAILS.validate_python(answer.json()["items"])

    async def next_mail(self, subject: str, *, after: int = 0, within_s: float = 30.0) -> Mail:
        """Wait for a mail that is newer than the one with the id `after`. Raises TooLateError."""

        async def newest() -> Mail | None:
            return next((mail for mail in await self.mails(subject) if mail.id > after), None)

        return await patiently(newest, for_what=f"a mail `{subject}` to {self._address}", within_s=within_s)

    async def newest_id(self) -> int:
        return max((mail.id for mail in await self.mails()), default=0)
