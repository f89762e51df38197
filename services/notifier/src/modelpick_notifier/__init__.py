"""Sends each mail effectively once."""
