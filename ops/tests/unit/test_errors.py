import pytest
import typer

from modelpick_ops.errors import fail


def test_a_failure_is_one_line_without_the_secrets_that_others_quote(capsys):
    with pytest.raises(typer.Exit) as ended:
        fail("the server said:\n  no route to postgresql://shop:pass@word@db/shop", code=2)

    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == "the server said: no route to postgresql://[redacted]@db/shop\n"
