# Empty counts as not set: with these, every vendor is simulated, whatever keys the environment holds.
NO_VENDORS = dict.fromkeys(
    (
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "STRIPE_API_BASE",
        "OPENROUTER_API_KEY",
        "OPENROUTER_BASE_URL",
        "RESEND_API_KEY",
        "RESEND_API_BASE",
        "SMTP_URL",
        "DEBUG_MOCK_STRIPE",
        "DEBUG_MOCK_OPENROUTER",
    ),
    "",
)
