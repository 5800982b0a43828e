"""The demonstration server: OpenAI's protocol, prepared answers, no model behind them.

The application knows nothing of it but a base URL; that is what makes the demonstration honest.
"""
