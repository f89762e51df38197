_ADDRESSES_AND_KEYS = (
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_API_BASE",
    "OPENROUTER_API_KEY",
    "OPENROUTER_BASE_URL",
    "RESEND_API_KEY",
    "RESEND_API_BASE",
    "SMTP_URL",
)

# Empty counts as not set: with these, every vendor is simulated, whatever keys the environment holds.
NO_VENDORS = {
    **dict.fromkeys(_ADDRESSES_AND_KEYS, ""),
    "DEBUG_MOCK_STRIPE": "false",
    "DEBUG_MOCK_OPENROUTER": "false",
}
