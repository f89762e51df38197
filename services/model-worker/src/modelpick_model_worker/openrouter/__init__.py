"""The OpenRouter adapter: requests out, answers and our own errors in."""

from modelpick_model_worker.openrouter.answer import ModelAnswer
from modelpick_model_worker.openrouter.client import OpenRouterClient

__all__ = ["ModelAnswer", "OpenRouterClient"]
