"""Contracts, broker, database, scoring, catalogue, telemetry and settings shared by the services."""
