import pytest

from modelpick_reports.exports.answer import answer_of, leaders, ranking


def ranked(document, *figures):
    """Give the models the ranks, strict rates and ties of `figures`."""
    models = [
        model.model_copy(
            update={
                "rank": rank,
                "strict": model.strict.model_copy(update={"pass_rate": rate, "ci95": (rate - 0.1, rate)}),
                "tied_with": [document.models[other].id for other in tied],
            }
        )
        for model, (rank, rate, tied) in zip(document.models, figures, strict=True)
    ]
    return document.model_copy(update={"models": models})


@pytest.fixture
def document(make_report):
    return make_report(models=3, images=2, runs=2, names=["Alpha", "Beta", "Gamma"])


def test_one_leader_is_named_with_its_rate_and_interval(document):
    answer = answer_of(ranked(document, (2, 0.5, []), (1, 0.9, []), (3, 0.2, [])))
    assert answer.headline == "Beta reads these documents best"
    assert answer.detail == "90.0 % (95 % interval 80\N{EN DASH}90 %) of its answers are exactly right."


def test_two_that_are_tied_are_both_named(document):
    answer = answer_of(ranked(document, (1, 0.85, [1]), (1, 0.9, [0]), (3, 0.2, [])))
    assert answer.headline == "Beta and Alpha share first place"
    assert "of the answers of Beta are exactly right; these images cannot tell the 2 apart" in answer.detail


def test_more_that_are_tied_are_counted(document):
    answer = answer_of(ranked(document, (1, 0.9, [1, 2]), (1, 0.9, [0, 2]), (1, 0.9, [0, 1])))
    assert answer.headline.endswith("and 2 more share first place")
    assert "of their answers are exactly right" in answer.detail


def test_the_cheapest_of_the_tied_is_named_when_it_is_about_as_accurate(document):
    close = answer_of(ranked(document, (1, 0.95, [1, 2]), (1, 0.9, [0, 2]), (1, 0.2, [0, 1])))
    far = answer_of(ranked(document, (1, 0.95, [1, 2]), (1, 0.8, [0, 2]), (1, 0.2, [0, 1])))
    assert "Beta, at 90.0 %, costs $" in close.detail
    assert "costs" not in far.detail


def test_a_model_tied_with_the_first_leads_even_under_another_rank(document):
    found = leaders(ranked(document, (1, 0.9, [1]), (2, 0.85, [0]), (3, 0.2, [])))
    assert [model.name for model in found] == ["Alpha", "Beta"]


def test_unranked_models_come_last(document):
    order = ranking(ranked(document, (None, 1.0, []), (2, 0.5, []), (1, 0.9, [])))
    assert [model.name for model in order] == ["Gamma", "Beta", "Alpha"]


def test_when_nothing_was_right_the_fields_decide(document):
    answer = answer_of(ranked(document, (1, 0.0, [1, 2]), (1, 0.0, [0, 2]), (1, 0.0, [0, 1])))
    assert answer.headline == "No model read a document exactly right"
    assert "comes closest" in answer.detail


@pytest.mark.parametrize(
    ("arguments", "headline"),
    [
        ({"status": "paid", "done": 0.0}, "This report has not started yet"),
        ({"status": "running", "done": 0.0}, "No model can be ranked yet"),
        ({"status": "partial", "unmeasured": 1.0}, "No model can be ranked"),
        ({"status": "failed", "unmeasured": 1.0}, "Nothing could be measured"),
        ({"models": 1, "names": ["Alpha"]}, "How well Alpha reads these documents"),
    ],
)
def test_a_report_without_a_comparison_says_what_there_is(make_report, arguments, headline):
    assert answer_of(make_report(**arguments)).headline == headline


def test_a_name_of_blanks_gives_way_to_the_id(make_report):
    document = make_report(models=1, names=["  "])
    assert document.models[0].id[:20] in answer_of(document).headline
