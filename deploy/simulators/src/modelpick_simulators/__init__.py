"""Stand-ins for Stripe, OpenRouter and a mailbox that speak the real protocols."""
