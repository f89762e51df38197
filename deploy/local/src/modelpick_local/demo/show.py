"""What the demo prints: lines for each step, a bar a model while the report runs, tables at the end."""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from modelpick_local.demo.schemas import Document, Estimate, Mail, ModelCounts, Ranked, Report

_PLAIN_WIDTH = 120
_PLAIN_STEP = 0.1  # without a terminal, a line each tenth of the way


def new_console() -> Console:
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=_PLAIN_WIDTH)


class Screen:
    """Where the demo tells its story."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def step(self, text: str) -> None:
        self._console.print(text, markup=False)

    def estimate(self, estimate: Estimate) -> None:
        self.step(
            f"estimate: {estimate.calls} calls, about ${estimate.expected_cost_usd:.4f}"
            f" (at most ${estimate.worst_case_cost_usd:.2f}, ceiling ${estimate.ceiling_usd:.2f}),"
            f" about {estimate.expected_duration_s} s"
        )

    async def follow(self, states: AsyncIterator[Report], names: Mapping[str, str]) -> Report:
        """Show a report moving until it ends, and return how it ended."""
        view = _Bars(self._console, names) if self._console.is_terminal else _Lines(self._console)
        with view:
            async for report in states:
                view.show(report)
        return report

    def ranking(self, document: Document) -> None:
        table = Table(title="Ranking")
        for heading in _HEADINGS:
            table.add_column(heading, justify="left" if heading == "model" else "right", no_wrap=True)
        for model in sorted(document.models, key=_position):
            table.add_row(*_cells(model))
        self._console.print(table)
        totals = document.totals
        self.step(
            f"{document.status}: {totals.measured} of {totals.jobs} runs measured, {totals.unmeasured} not;"
            f" ${totals.spent_usd:.4f} spent in {totals.duration_s or 0:.0f} s"
        )

    def mail(self, mail: Mail) -> None:
        head = f"From: {mail.sender}\nTo: {', '.join(mail.to)}\nSubject: {mail.subject}"
        self._console.print(Panel(escape(f"{head}\n\n{mail.text.strip()}"), title="mail", expand=False))


_HEADINGS = ("rank", "model", "strict", "95 %", "relaxed", "p50", "USD / 1000 images", "unmeasured")


class _Bars:
    """A bar a model, moved in place."""

    def __init__(self, console: Console, names: Mapping[str, str]) -> None:
        self._names = names
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[passed]} right, {task.fields[failed]} not"),
            TimeElapsedColumn(),
            console=console,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, report: Report) -> None:
        for model in report.models:
            self._move(model)

    def _move(self, model: ModelCounts) -> None:
        if model.id not in self._tasks:
            name = self._names.get(model.id, model.id)
            self._tasks[model.id] = self._progress.add_task(name, total=model.total, passed=0, failed=0)
        task = self._tasks[model.id]
        self._progress.update(task, completed=model.done, passed=model.passed, failed=model.failed)


class _Lines:
    """A line each tenth of the way, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_share = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def show(self, report: Report) -> None:
        share = report.completed_jobs / max(1, report.total_jobs)
        if share < self._next_share and not report.is_over:
            return
        self._next_share = share + _PLAIN_STEP
        self._console.print(
            f"{report.status}: {report.completed_jobs} of {report.total_jobs} runs, ${report.spent_usd:.4f}"
        )


def _position(model: Ranked) -> tuple[bool, int, float]:
    return model.rank is None, model.rank or 0, -(model.strict.pass_rate or 0)


def _cells(model: Ranked) -> tuple[str, ...]:
    return (
        _rank(model),
        escape(model.name),
        _percent(model.strict.pass_rate),
        _interval(model.strict.ci95),
        _percent(model.relaxed.pass_rate),
        "-" if model.latency_ms.p50 is None else f"{model.latency_ms.p50:.0f} ms",
        _usd(model.cost_usd.per_1000_images),
        str(model.outcomes.get("unmeasured", 0)),
    )


def _rank(model: Ranked) -> str:
    """Write the rank, with = where it is shared."""
    return "-" if model.rank is None else f"{model.rank}{'=' if model.tied_with else ''}"


def _interval(bounds: tuple[float, float] | None) -> str:
    return "-" if bounds is None else f"{100 * bounds[0]:.0f}-{100 * bounds[1]:.0f}"


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.0f} %"


def _usd(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:.2f}"
