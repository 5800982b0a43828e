// The only place that talks to the server. Every call resolves to the answer's JSON or rejects
// with an ApiError; nobody else sees axios, a header or a status. Emits "signed-out" when the
// session that the page was made for has ended, whoever asked.

import axios from "../vendor/axios/axios.min.js";
import { ApiError } from "./api_error.js";

const PAGE = 40;
const MANY = 200;
const UNCHANGED = 304;

export class Api extends EventTarget {
  #http = axios.create({ baseURL: "/", timeout: 30_000, headers: { Accept: "application/json" } });
  #clockOffset = 0;
  #csrfToken;
  #userId;

  /** Whose page it is, and the token that says so with every change; both null in local mode. */
  constructor({ csrfToken = null, userId = null } = {}) {
    super();
    this.#csrfToken = csrfToken;
    this.#userId = userId;
  }

  /** The server's time in ms, as far as its Date header tells: times on screen are its times. */
  now() {
    return Date.now() + this.#clockOffset;
  }

  texts(url) {
    return this.#get(url);
  }

  /** Who is signed in: {user: null} when nobody is. */
  session() {
    return this.#get("api/session");
  }

  conversations({ archived = false, cursor } = {}) {
    return this.#get("api/conversations", { archived: Number(archived), cursor, limit: PAGE });
  }

  search({ q, conversationId, cursor }) {
    const params = { q, conversation_id: conversationId, cursor, limit: PAGE };
    return this.#get("api/search", params);
  }

  createConversation(body, key) {
    return this.#send("post", "api/conversations", body, key);
  }

  conversation(id) {
    return this.#get(`api/conversations/${id}`);
  }

  changeConversation(id, changes) {
    return this.#send("patch", `api/conversations/${id}`, changes);
  }

  deleteConversation(id) {
    return this.#send("delete", `api/conversations/${id}`);
  }

  messages(conversationId, { cursor } = {}) {
    return this.#get(`api/conversations/${conversationId}/messages`, { cursor, limit: PAGE });
  }

  postMessage(conversationId, body, key) {
    return this.#send("post", `api/conversations/${conversationId}/messages`, body, key);
  }

  /** Takes back a turn that hasn't been started. */
  deleteMessage(id) {
    return this.#send("delete", `api/messages/${id}`);
  }

  changeMessage(id, changes) {
    return this.#send("patch", `api/messages/${id}`, changes);
  }

  /** All the replies to a person's turn. */
  replies(messageId) {
    return this.#get(`api/messages/${messageId}/replies`);
  }

  postReply(messageId, body, key) {
    return this.#send("post", `api/messages/${messageId}/replies`, body, key);
  }

  job(id, { cursor } = {}) {
    return this.#get(`api/jobs/${id}`, { cursor: cursor ?? undefined });
  }

  /**
   * The jobs that run or wait, as {data, etag}; `data` is null when nothing has changed since the
   * answer that had this `etag`.
   */
  async activeJobs(etag) {
    const response = await this.#answer({
      method: "get",
      url: "api/jobs",
      params: { active: 1, limit: MANY },
      headers: etag ? { "If-None-Match": etag } : {},
      validateStatus: (status) => (status >= 200 && status < 300) || status === UNCHANGED,
    });
    return {
      data: response.status === UNCHANGED ? null : response.data.data,
      etag: response.headers.etag ?? null,
    };
  }

  cancelJob(id) {
    return this.#send("post", `api/jobs/${id}/cancellation`, {});
  }

  prompts() {
    return this.#get("api/prompts");
  }

  createPrompt(body) {
    return this.#send("post", "api/prompts", body);
  }

  changePrompt(id, changes) {
    return this.#send("patch", `api/prompts/${id}`, changes);
  }

  deletePrompt(id) {
    return this.#send("delete", `api/prompts/${id}`);
  }

  /** One conversation of an export; `body` is {format, conversation}. */
  importConversation(body, key) {
    return this.#send("post", "api/imports", body, key);
  }

  models() {
    return this.#get("api/models");
  }

  #get(url, params) {
    return this.call({ method: "get", url, params });
  }

  #send(method, url, data, key) {
    return this.call({ method, url, data, headers: key ? { "Idempotency-Key": key } : {} });
  }

  /** One request as axios takes it; the answer's JSON. */
  async call(request) {
    return (await this.#answer(request)).data;
  }

  async #answer(request) {
    try {
      return await this.#ask(request);
    } catch (error) {
      if (error.code === "csrf_failed" && (await this.#learnToken())) return this.#ask(request);
      if (error.code === "unauthorized") this.dispatchEvent(new Event("signed-out"));
      throw error;
    }
  }

  async #ask({ headers, ...request }) {
    try {
      const response = await this.#http.request({
        ...request,
        headers: this.#csrfToken ? { ...headers, "X-CSRF-Token": this.#csrfToken } : headers,
      });
      const isEmpty = response.status === 204 || response.status === UNCHANGED;
      // what somebody in between said, as a hotel's sign-in page does, is no answer
      if (!isEmpty && typeof response.data !== "object") throw new Error("no JSON");
      this.#readClock(response.headers.date);
      return response;
    } catch (failure) {
      throw readFailure(failure);
    }
  }

  // Somebody has signed in again in another tab. The same person's page goes on with the new
  // token; another's must not speak for whoever it was made for.
  async #learnToken() {
    const { user, csrf_token: token } = await this.session();
    if (token && user?.id === this.#userId) {
      this.#csrfToken = token;
      return true;
    }
    this.dispatchEvent(new Event("signed-out"));
    return false;
  }

  // Date counts whole seconds: a smaller difference is none.
  #readClock(date) {
    const offset = date ? Date.parse(date) - Date.now() : 0;
    this.#clockOffset = Math.abs(offset) < 2000 ? 0 : offset;
  }
}

function readFailure(failure) {
  const response = failure.response;
  if (!response)
    return new ApiError({ code: failure.code === "ECONNABORTED" ? "no_answer_in_time" : "no_answer" });
  const problem = typeof response.data === "object" && response.data !== null ? response.data : {};
  const seconds = Number(response.headers["retry-after"]);
  return new ApiError({
    status: response.status,
    code: problem.code ?? `http_${response.status}`,
    title: problem.title ?? "",
    detail: problem.detail ?? "",
    errors: problem.errors ?? [],
    requestId: problem.request_id ?? null,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 0,
  });
}
