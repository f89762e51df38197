"""A stand-in for Stripe: Checkout Sessions, the hosted pay page, signed webhooks."""
