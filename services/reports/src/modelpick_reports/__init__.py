"""Live progress, report pages, share links and documents."""
