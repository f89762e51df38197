"""What the routes of one running simulator share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
from fastapi import Request

from modelpick_simulators.openrouter.answers import AnswerBook
from modelpick_simulators.openrouter.catalogue import Catalogue
from modelpick_simulators.openrouter.completions import Generation, GenerationIds
from modelpick_simulators.openrouter.journal import Journal
from modelpick_simulators.openrouter.personas import Persona
from modelpick_simulators.openrouter.runs import Runs
from modelpick_simulators.openrouter.scripts import Scripts


@dataclass
class Desk:
    catalogue: Catalogue
    personas: Mapping[str, Persona]
    answers: AnswerBook
    client: httpx.AsyncClient
    journal: Journal
    api_key: str
    latency_ms: tuple[int, int]
    rate_limit_share: float
    scripts: Scripts = field(default_factory=Scripts)
    runs: Runs = field(default_factory=Runs)
    ids: GenerationIds = field(default_factory=GenerationIds)
    generations: dict[str, Generation] = field(default_factory=dict)

    def reset(self) -> None:
        self.scripts.reset()
        self.runs = Runs()
        self.journal.reset()
        self.generations.clear()


async def the_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
