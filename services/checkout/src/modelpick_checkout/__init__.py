"""Sign-in, drafts, uploads, orders and Stripe Checkout sessions."""
