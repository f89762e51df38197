"""Server-sent events, read line by line (HTML living standard, 9.2.6)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerEvent:
    name: str
    data: str
    id: str | None


async def server_events(lines: AsyncIterator[str]) -> AsyncIterator[ServerEvent]:
    """Yield the events of a stream; comments and an event that was cut off are left out."""
    name, data, last_id = "message", list[str](), None
    async for line in lines:
        if not line:
            if data:
                yield ServerEvent(name, "\n".join(data), last_id)
            name, data = "message", []
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "event":
            name = value
        elif key == "data":
            data.append(value)
        elif key == "id":
            last_id = value
