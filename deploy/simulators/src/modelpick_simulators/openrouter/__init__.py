"""A stand-in for OpenRouter: vision models that know the answers and sometimes get them wrong."""
