"""The OpenRouter adapter: requests out, answers and our own errors in."""

from modelpick_model_worker.openrouter.client import OpenRouterClient
from modelpick_model_worker.openrouter.schemas import ModelAnswer

__all__ = ["ModelAnswer", "OpenRouterClient"]
