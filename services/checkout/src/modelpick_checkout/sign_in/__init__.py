"""Who is the customer: one-time links by mail, and sessions."""
