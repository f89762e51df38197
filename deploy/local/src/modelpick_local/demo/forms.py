"""The form of a page, filled in as a browser fills it in: by what its fields say they are for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

from modelpick_local.demo.errors import DemoError


@dataclass
class Form:
    """Where a form goes, what stands in its fields, and which field is for what (HTML's `autocomplete`)."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    purposes: dict[str, str] = field(default_factory=dict)

    def filled(self, entries: Mapping[str, str]) -> dict[str, str]:
        """Return the values to send; `entries` are by purpose and leave alone what is filled in already."""
        entered = {name: entries[purpose] for purpose, name in self.purposes.items() if purpose in entries}
        return {name: value or entered.get(name, "") for name, value in self.values.items()}


def form_of(page: str, address: str) -> Form:
    """Return the first form of a page found at `address`. Raises DemoError when it has none."""
    reader = _Reader(address)
    reader.feed(page)
    if reader.form is None:
        raise DemoError(f"there is no form at {address}")
    return reader.form


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.form: Form | None = None
        self._address = address
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form" and self.form is None:
            self._inside = True
            action = urljoin(self._address, attributes.get("action", ""))
            self.form = Form(action, attributes.get("method", "get").upper())
        elif tag == "input" and self._inside and self.form is not None:
            _take_input(self.form, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def _take_input(form: Form, attributes: Mapping[str, str]) -> None:
    name = attributes.get("name")
    if not name or attributes.get("type") in {"submit", "button", "reset", "image"}:
        return
    form.values[name] = attributes.get("value", "")
    if purpose := attributes.get("autocomplete"):
        form.purposes[purpose] = name
