// The calls of the account's and the administrator's pages, over the wire of api.js.

import { Api } from "./api.js";

const PAGE = 40;

export class AccountsApi extends Api {
  signIn(body) {
    return this.#send("post", "session", body);
  }

  signOut() {
    return this.#send("delete", "session");
  }

  // -- one's own account

  join(body) {
    return this.#send("post", "account", body);
  }

  changeAccount(changes) {
    return this.#send("patch", "account", changes);
  }

  changePassword(body) {
    return this.#send("put", "account/password", body);
  }

  deleteAccount(body) {
    return this.#send("post", "account/deletion", body);
  }

  sessions() {
    return this.#get("sessions");
  }

  endSession(id) {
    return this.#send("delete", `sessions/${id}`);
  }

  keys() {
    return this.#get("keys");
  }

  createKey(body) {
    return this.#send("post", "keys", body);
  }

  revokeKey(id) {
    return this.#send("delete", `keys/${id}`);
  }

  usage() {
    return this.#get("usage");
  }

  // -- the administrator's

  users({ cursor } = {}) {
    return this.#get("admin/users", { cursor, limit: PAGE });
  }

  changeUser(id, changes) {
    return this.#send("patch", `admin/users/${id}`, changes);
  }

  invitations() {
    return this.#get("admin/invitations");
  }

  invite(body) {
    return this.#send("post", "admin/invitations", body);
  }

  withdrawInvitation(id) {
    return this.#send("delete", `admin/invitations/${id}`);
  }

  allUsage() {
    return this.#get("admin/usage");
  }

  allJobs({ status, cursor } = {}) {
    return this.#get("admin/jobs", { status: status || undefined, cursor, limit: PAGE });
  }

  cancelAnyJob(id) {
    return this.#send("post", `admin/jobs/${id}/cancellation`, {});
  }

  requeueJob(id) {
    return this.#send("post", `admin/jobs/${id}/requeueing`, {});
  }

  workers() {
    return this.#get("admin/workers");
  }

  queue() {
    return this.#get("admin/queue");
  }

  upstream() {
    return this.#get("admin/upstream");
  }

  #get(path, params) {
    return this.call({ method: "get", url: `api/${path}`, params });
  }

  #send(method, path, data) {
    return this.call({ method, url: `api/${path}`, data });
  }
}
