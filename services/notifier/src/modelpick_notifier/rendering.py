"""Templates: MJML for the HTML part, plain text beside it."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

import mrml
from jinja2 import DictLoader, Environment, StrictUndefined, TemplateError, select_autoescape
from markupsafe import Markup

from modelpick_notifier.errors import InvalidMailError

# A template includes nothing from outside itself.
_PARSER = mrml.ParserOptions(include_loader=mrml.noop_loader())
# No web fonts: a mail fetches nothing.
_RENDERER = mrml.RenderOptions(fonts={})


class Templates:
    """Every mail's text and HTML. Values are escaped in HTML before the MJML is read, so they stay text."""

    def __init__(self) -> None:
        folder = resources.files("modelpick_notifier") / "templates"
        sources = {file.name: file.read_text("utf-8") for file in folder.iterdir()}
        self._environment = Environment(
            loader=DictLoader(sources),
            undefined=StrictUndefined,
            autoescape=select_autoescape(["mjml"]),
            finalize=_without_controls,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def render(self, template: str, fields: Mapping[str, Any]) -> tuple[str, str]:
        """Return a mail's text and HTML. Raises InvalidMailError when a field is missing."""
        try:
            text = self._environment.get_template(f"{template}.txt").render(fields)
            mjml = self._environment.get_template(f"{template}.mjml").render(fields)
        except TemplateError as error:
            raise InvalidMailError(f"{template}: {error}") from error
        return text, _to_html(template, mjml)


def _to_html(template: str, mjml: str) -> str:
    try:
        return mrml.to_html(mjml, parser_options=_PARSER, render_options=_RENDERER).content
    except (OSError, ValueError) as error:
        raise InvalidMailError(f"{template}: {error}") from error


def _without_controls(value: Any) -> Any:
    """Drop what no XML can hold from a text: control characters other than tab and line ends."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "".join(mark for mark in value if mark >= " " or mark in "\t\n\r")
