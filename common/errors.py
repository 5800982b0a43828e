"""The errors of the house: a stable code, an HTTP status, numbers for the sentence.

The sentences themselves are in the text catalogue (`error.<code>.title` and `.detail`), because
the same error is read in two languages; a job stores code and numbers, never a sentence.
"""

from typing import Any

# Every code that may reach a person, with the HTTP status of a request that ends in it.
# A test keeps this table and the text catalogue equal.
STATUS_OF_CODE = {
    # the request
    "bad_request": 400,
    "malformed_json": 400,
    "unauthorized": 401,
    "wrong_credentials": 401,
    "foreign_origin": 403,
    "host_not_allowed": 403,
    "host_not_trusted": 403,
    "https_needed": 403,
    "csrf_failed": 403,
    "scope_missing": 403,
    "session_needed": 403,
    "not_found": 404,
    "invitation_invalid": 404,
    "method_not_allowed": 405,
    "conversation_busy": 409,
    "turn_already_started": 409,
    "turn_has_answers": 409,
    "accounts_needed": 409,
    "last_administrator": 409,
    "too_many_keys": 409,
    "not_requeueable": 409,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "invalid_input": 422,
    "invalid_parent": 422,
    "idempotency_key_reused": 422,
    "turn_too_long": 422,
    "pins_too_long": 422,
    "model_unavailable": 422,
    "import_unreadable": 422,
    "import_too_large": 422,
    "too_many_prompts": 422,
    "too_many_waiting": 429,
    "too_many_attempts": 429,
    "too_many_posts": 429,
    "too_many_active": 429,
    "tokens_spent": 429,
    "money_spent": 429,
    "internal_error": 500,
    "database_unavailable": 503,
    "redis_unavailable": 503,
    "worker_unavailable": 503,
    "queue_full": 503,
    # the model server; a job ends in them, its poll stays a 200
    "invalid_api_key": 502,
    "permission_denied": 502,
    "model_not_found": 502,
    "quota_exceeded": 502,
    "rate_limited": 502,
    "context_length_exceeded": 502,
    "upstream_rejected": 502,
    "upstream_unavailable": 502,
    "upstream_timeout": 502,
    "upstream_malformed": 502,
    "empty_reply": 502,
    # endings of a job that are ours
    "max_output_tokens": 200,
    "content_filter": 200,
    "output_too_long": 200,
    "worker_lost": 500,
    "deadline_exceeded": 504,
    "expired": 504,
}


class EpiCodeError(Exception):
    """An error with a code of `STATUS_OF_CODE`; `params` fill the sentence's placeholders.

    `retry_after` is in seconds; `fields` lists (field, message key, params) for a 422.
    """

    def __init__(
        self,
        code: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        fields: list[dict[str, Any]] | None = None,
        **params: Any,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = STATUS_OF_CODE[code]
        self.retryable = retryable
        self.retry_after = retry_after
        self.fields = fields
        self.params = params

    def as_record(self) -> dict[str, Any]:
        """What a job's `error` column keeps: code, numbers, and whether a retry may help."""
        return {"code": self.code, "params": self.params, "retryable": self.retryable}


class ConfigurationError(Exception):
    """The settings are wrong; the message lists every one of them and what to do."""
