import sys

import structlog
import typer

from modelpick_ops import housekeeping, mails, models, payments, queues, reports
from modelpick_ops.backup import backup, restore
from modelpick_ops.score import score
from modelpick_ops.status import status

app = typer.Typer(help="The operator's command line.", no_args_is_help=True, add_completion=False)


@app.callback()
def commands() -> None:
    """Look at the system and put it right. Exit codes: 0 done, 1 failed, 2 usage."""
    # Standard output is for the answer, which programs read.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


app.command()(status)
app.command()(score)
app.command()(backup)
app.command()(restore)
app.add_typer(queues.app, name="queues")
app.add_typer(reports.app, name="reports")
app.add_typer(payments.app, name="payments")
app.add_typer(models.app, name="models")
app.add_typer(mails.app, name="mails")
app.add_typer(housekeeping.app, name="housekeeping")


def main() -> None:
    app()
