"""How a place in a JSON value is spelled, as in `line_items[2].price`; the value itself is the empty path."""

import json
import re

_PLAIN_KEY = re.compile(r'[^.\[\]"]+')


def key_path(parent: str, key: str) -> str:
    """Return the path of an object's key.

    A key that is empty or holds `.`, `[`, `]` or `"` is quoted as JSON, as in `totals["incl. tax"]`, so that
    no two places share a path.
    """
    if _PLAIN_KEY.fullmatch(key):
        return f"{parent}.{key}" if parent else key
    return f"{parent}[{json.dumps(key, ensure_ascii=False)}]"


def is_inside(path: str, container: str) -> bool:
    """Say whether `path` leads to a place below `container`."""
    return path != container and (not container or path.startswith((f"{container}.", f"{container}[")))
