// What went wrong with a call, in the server's words: RFC 9457 problems have a stable `code` and a
// sentence in the person's language. Status 0 means that no answer came at all.

export class ApiError extends Error {
  constructor({
    status = 0,
    code = "no_answer",
    title = "",
    detail = "",
    retryAfterMs = 0,
    errors = [],
    requestId = null,
  }) {
    super(`${status} ${code}`);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
    this.errors = errors;
    this.requestId = requestId;
  }

  get isNoAnswer() {
    return this.status === 0;
  }

  /** The same request may well succeed later: nothing is wrong with the request itself. */
  get isPassing() {
    return this.isNoAnswer || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** The most precise sentence that the server gave, or an empty string. */
  get sentence() {
    return this.errors[0]?.message || this.detail || this.title;
  }
}
