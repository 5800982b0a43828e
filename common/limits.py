"""What a user or a key may do and spend: the installation's limits, and his own over them."""

NAMES = (
    "posts_minute",
    "active_jobs",
    "waiting_jobs",
    "tokens_day",
    "tokens_month",
    "cost_day",
    "cost_month",
)
