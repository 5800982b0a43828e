// A server and a storage of our own for the models' tests: in memory, with the API's shapes.

import { ApiError } from "../../web/static/js/api_error.js";

export class FakeStorage {
  #items = new Map();

  get length() {
    return this.#items.size;
  }

  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }

  getItem(name) {
    return this.#items.get(name) ?? null;
  }

  setItem(name, value) {
    this.#items.set(name, value);
  }

  removeItem(name) {
    this.#items.delete(name);
  }
}

/** Answers every question with "echo " and the question; same key, same answer. */
export class FakeServer {
  created = [];
  posts = [];
  keysOfPosts = [];
  failures = [];
  answersAreLost = false;
  cancelled = [];
  #head = null;
  #messages = [];
  #jobs = new Map();
  #made = new Map();
  #count = 0;

  async conversation(id) {
    return { id, title: "t", title_source: "default", model: null };
  }

  async createConversation(body, key) {
    if (!this.#made.has(key)) {
      this.created.push(body);
      this.#made.set(key, { id: "c1", title: "t", title_source: "default", model: body.model ?? null });
    }
    return this.#made.get(key);
  }

  async messages() {
    if (this.#head === null) return { data: [...this.#messages], next: null };
    const branch = [];
    for (let id = this.#leaf(this.#head); id; id = branch[0].parent_id) {
      const message = this.#messages.find((each) => each.id === id);
      if (!message) break;
      branch.unshift(message);
    }
    return { data: branch, next: null };
  }

  async postMessage(conversationId, body, key) {
    this.keysOfPosts.push(key);
    if (this.failures.length > 0) throw this.failures.shift();
    if (!this.#made.has(key)) {
      this.posts.push(body);
      const parent =
        this.#messages.find(({ id }) => id === body.parent_id) ??
        (body.parent_id ? null : this.#messages.at(-1));
      const message = this.#message("user", body.content, parent, { parent_id: parent?.id ?? "root" });
      this.#made.set(key, this.#reply(message, [`echo ${body.content}`], conversationId));
    }
    if (this.answersAreLost) return new Promise(() => {});
    return this.#made.get(key);
  }

  async postReply(messageId, { model } = {}) {
    const question = this.#messages.find(({ id }) => id === messageId);
    return this.#reply(question, [`again ${model}`]);
  }

  async replies(messageId) {
    return { data: this.#messages.filter(({ parent_id: id }) => id === messageId), next: null };
  }

  async changeMessage(id, changes) {
    return Object.assign(
      this.#messages.find((message) => message.id === id),
      changes,
    );
  }

  async changeConversation(id, { head_message_id: head }) {
    this.#head = head;
    return this.conversation(id);
  }

  async cancelJob(id) {
    this.cancelled.push(id);
    return this.#jobs.get(id);
  }

  async job(id) {
    const job = this.#jobs.get(id);
    if (!job) throw new ApiError({ status: 404 });
    job.text = job.rest.shift() ?? "";
    job.status = job.rest.length === 0 ? "completed" : "in_progress";
    job.cursor = String(job.rest.length);
    const reply = this.#messages.find((message) => message.id === job.message_id);
    reply.content += job.text;
    reply.status = job.status === "completed" ? "completed" : "pending";
    return { ...job };
  }

  /** A turn whose reply is being written: each poll brings the next of `pieces`. */
  addPending(_conversationId, content, pieces) {
    const message = this.#message("user", content, null, { parent_id: "root" });
    this.#reply(message, pieces);
  }

  #leaf(id) {
    const child = this.#messages.findLast(({ parent_id: parent }) => parent === id);
    return child ? this.#leaf(child.id) : id;
  }

  #reply(message, pieces, conversationId = "c1") {
    const reply = this.#message("assistant", "", message, { parent_id: message.id, status: "pending" });
    const job = {
      id: `j${this.#next()}`,
      conversation_id: conversationId,
      message_id: reply.id,
      prompt_message_id: message.id,
      status: "queued",
      text: "",
      rest: pieces,
      cursor: "",
      reset: false,
      poll_after_ms: 0,
      context: null,
      error: null,
      model: "m",
    };
    this.#jobs.set(job.id, job);
    reply.job_id = job.id;
    return { message, reply, job: { ...job } };
  }

  #message(role, content, parent, changes) {
    const message = {
      id: `m${this.#next()}`,
      role,
      content,
      status: "completed",
      turn_index: (parent?.turn_index ?? 0) + 1,
      sibling_ids: [],
      job_id: null,
      error: null,
      in_window: "auto",
      ...changes,
    };
    this.#messages.push(message);
    return message;
  }

  #next() {
    this.#count += 1;
    return this.#count;
  }
}
