import typer

from modelpick_ops import mails, models, payments, queues, reports
from modelpick_ops.score import score
from modelpick_ops.status import status

app = typer.Typer(help="The operator's command line.", no_args_is_help=True, add_completion=False)


@app.callback()
def commands() -> None:
    """Look at the system and put it right. Exit codes: 0 done, 1 failed, 2 usage."""


app.command()(status)
app.command()(score)
app.add_typer(queues.app, name="queues")
app.add_typer(reports.app, name="reports")
app.add_typer(payments.app, name="payments")
app.add_typer(models.app, name="models")
app.add_typer(mails.app, name="mails")


def main() -> None:
    app()
