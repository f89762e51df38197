"""The right answers, read from the table that holds them."""

import psycopg
import pytest

from modelpick_simulators.openrouter.answers import AnswersUnavailableError, PostgresAnswerBook

pytestmark = pytest.mark.connected


@pytest.fixture
async def table(empty_database_url):
    async with await psycopg.AsyncConnection.connect(empty_database_url, autocommit=True) as connection:
        await connection.execute(
            "CREATE TABLE draft_images (sha256 text, expected_json json, created_at timestamptz)"
        )
        yield connection


@pytest.fixture
async def book(table, empty_database_url):
    book = PostgresAnswerBook(empty_database_url)
    book.FRESH_S = 0
    yield book
    await book.close()


async def insert(table, sha256, expected, day):
    await table.execute(
        "INSERT INTO draft_images VALUES (%s, %s::json, make_timestamptz(2026, 1, %s, 0, 0, 0))",
        (sha256, expected, day),
    )


async def test_the_newest_answer_that_was_entered_wins_and_keeps_its_text(table, book):
    await insert(table, "a", '{"total": 1}', 1)
    await insert(table, "a", '{"z": 1.50, "a": 2}', 2)
    await insert(table, "a", None, 3)
    assert await book.answer_for("a") == '{"z": 1.50, "a": 2}'
    assert await book.answer_for("b") is None


async def test_an_answer_is_looked_up_again_when_it_is_no_longer_fresh(table, book):
    assert await book.answer_for("a") is None
    await insert(table, "a", "{}", 1)
    assert await book.answer_for("a") == "{}"


async def test_a_cut_connection_is_opened_again(table, book):
    await insert(table, "a", "{}", 1)
    await book.answer_for("a")
    await table.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    await insert(table, "b", "[]", 1)
    assert await book.answer_for("b") == "[]"


async def test_what_is_known_is_still_answered_without_the_table(table, book):
    await insert(table, "a", "{}", 1)
    await book.answer_for("a")
    await table.execute("DROP TABLE draft_images")
    assert await book.answer_for("a") == "{}"
    with pytest.raises(AnswersUnavailableError):
        await book.answer_for("b")
