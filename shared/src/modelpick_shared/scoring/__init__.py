"""Is an answer right? Strict and relaxed match, and the differences by path."""

from modelpick_shared.scoring.differences import Difference, differences
from modelpick_shared.scoring.match import relaxed_match, strict_match
from modelpick_shared.scoring.parse import InvalidAnswerError, clean_text, clean_value, parse_answer
from modelpick_shared.scoring.score import AnswerKey, Score, score_answer

__all__ = [
    "AnswerKey",
    "Difference",
    "InvalidAnswerError",
    "Score",
    "clean_text",
    "clean_value",
    "differences",
    "parse_answer",
    "relaxed_match",
    "score_answer",
    "strict_match",
]
