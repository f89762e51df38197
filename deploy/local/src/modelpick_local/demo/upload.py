from dataclasses import dataclass

from pydantic import JsonValue


@dataclass(frozen=True)
class Upload:
    """An image as a customer has it on disk, with the JSON that a perfect model would return."""

    name: str
    media_type: str
    content: bytes
    expected: dict[str, JsonValue]
