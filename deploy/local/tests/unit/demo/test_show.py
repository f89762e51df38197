import io

from rich.console import Console

from modelpick_local.demo.schemas import Document, Mail, Report
from modelpick_local.demo.show import Screen

MODEL = {
    "id": "a/b",
    "name": "Model [b]",
    "rank": 1,
    "tied_with": ["e/f"],
    "strict": {"pass_rate": 0.75, "ci95": [0.52, 0.89]},
    "relaxed": {"pass_rate": 1.0, "ci95": [0.7, 1.0]},
    "latency_ms": {"p50": 812},
    "cost_usd": {"per_1000_images": "1.5"},
    "outcomes": {"unmeasured": 0},
    "pareto": True,
}
UNMEASURED = {
    "id": "c/d",
    "name": "Model D",
    "rank": None,
    "tied_with": [],
    "strict": {"pass_rate": None, "ci95": None},
    "relaxed": {"pass_rate": None, "ci95": None},
    "latency_ms": {"p50": None},
    "cost_usd": {"per_1000_images": None},
    "outcomes": {"unmeasured": 3},
    "pareto": False,
}


def shown(show):
    console = Console(file=io.StringIO(), width=120, highlight=False)
    show(Screen(console))
    return console.file.getvalue()


def state(done, status="running"):
    counts = {"id": "a/b", "total": 100, "done": done, "passed": done, "failed": 0, "unmeasured": 0}
    return Report(
        id="r", status=status, total_jobs=100, completed_jobs=done, spent_usd="0.5", models=[counts]
    )


def test_the_ranking_shows_best_first_and_what_was_not_measured_last():
    totals = {"jobs": 6, "measured": 3, "unmeasured": 3, "spent_usd": "0.5", "duration_s": 9.6}
    document = Document(id="r", status="partial", totals=totals, models=[UNMEASURED, MODEL])

    text = shown(lambda screen: screen.ranking(document))

    first, second = text.index("Model [b]"), text.index("Model D")
    assert first < second
    figures = ("1=", "75 %", "52-89", "100 %", "812 ms", "1.50")
    for figure in (*figures, "3 of 6 runs measured", "$0.5000 spent in 10 s"):
        assert figure in text


def test_a_mail_is_shown_with_its_sender_receiver_and_text():
    mail = Mail.model_validate(
        {
            "id": 1,
            "from": "shop@x.test",
            "to": ["ada@x.test"],
            "subject": "Ready",
            "text": "See [b]",
            "html": "",
        }
    )

    text = shown(lambda screen: screen.mail(mail))

    assert all(part in text for part in ("shop@x.test", "ada@x.test", "Ready", "See [b]"))


async def test_without_a_terminal_progress_is_a_line_a_tenth():
    async def states():
        for done in range(100):
            yield state(done)
        yield state(100, "complete")

    console = Console(file=io.StringIO(), width=120)
    last = await Screen(console).follow(states(), {})

    assert last.status == "complete"
    assert len(console.file.getvalue().splitlines()) in range(10, 13)


async def test_on_a_terminal_every_model_has_a_bar():
    async def states():
        yield state(50)
        yield state(100, "complete")

    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    await Screen(console).follow(states(), {"a/b": "Model B"})

    assert "Model B" in console.file.getvalue()
    assert "100/100" in console.file.getvalue()
