"""Stripe events in, paid reports out."""
