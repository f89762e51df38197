"""Behaviour that a test prescribes, for one model or for all."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from modelpick_simulators.openrouter.faults import is_mode


def _known(mode: str) -> str:
    if not is_mode(mode):
        raise ValueError("unknown mode: GET /_control/modes lists them")
    return mode


class Script(BaseModel):
    """No `model`: for all models. No `count`: until replaced. `content` replaces what the model writes.

    `unavailable` and `constraint` say why no endpoint can serve the model: the code of an error's
    `availability`, and the request field that leaves none.
    """

    mode: Annotated[str, AfterValidator(_known)] = "normal"
    model: str | None = None
    latency_ms: int | None = Field(default=None, ge=0)
    retry_after: str | None = None
    count: int | None = Field(default=None, ge=1)
    content: str | None = None
    unavailable: str | None = None
    constraint: str | None = None


NOTHING_PRESCRIBED = Script()
KEY_FAULTS = frozenset({"status:401", "status:402"})


@dataclass
class _Scope:
    counted: list[Script] = field(default_factory=list)
    lasting: Script | None = None

    def add(self, script: Script) -> None:
        if script.count is None:
            self.counted, self.lasting = [], script
        else:
            self.counted.append(script.model_copy())

    def take(self) -> Script | None:
        if not self.counted:
            return self.lasting
        script = self.counted[0]
        script.count = (script.count or 1) - 1
        if not script.count:
            self.counted.pop(0)
        return script

    def next(self) -> Script | None:
        return self.counted[0] if self.counted else self.lasting


class Scripts:
    """Scripts of each model and of all models; a model's own come first.

    Scripts with a count are used up in the order they came; one without forgets those before it and lasts.
    """

    def __init__(self) -> None:
        self._scopes: defaultdict[str | None, _Scope] = defaultdict(_Scope)

    def add(self, script: Script) -> None:
        self._scopes[script.model].add(script)

    def take(self, model: str) -> Script:
        """Return the script for a call of a model, and count it."""
        return self._scopes[model].take() or self._scopes[None].take() or NOTHING_PRESCRIBED

    def take_key_fault(self) -> Script | None:
        """Return the script for a look at the key: only a refusal that concerns all models is one."""
        script = self._scopes[None].next()
        return self._scopes[None].take() if script and script.mode in KEY_FAULTS else None

    def listed(self) -> list[Script]:
        every = ([*scope.counted, scope.lasting] for scope in self._scopes.values())
        return [script for scripts in every for script in scripts if script is not None]

    def reset(self) -> None:
        self._scopes.clear()
