"""Plans, dispatches, records and completes reports."""
