"""Calls vision models through OpenRouter."""
