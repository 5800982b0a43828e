// Starts the administrator's page: one part in view at a time, read when it comes into view.

import { startInvitations } from "../views/admin/invitations.js";
import { startJobs } from "../views/admin/jobs.js";
import { startMachine } from "../views/admin/machine.js";
import { Parts } from "../views/admin/parts.js";
import { startAllUsage } from "../views/admin/all_usage.js";
import { startUsers } from "../views/admin/users.js";
import { startPage } from "./start.js";

const { boot, page } = await startPage();
const find = (id) => document.getElementById(id);
const readers = {
  usage: startAllUsage(find("all-usage"), page),
  jobs: startJobs({ list: find("jobs"), status: find("jobs-status") }, page),
  machine: startMachine(
    { workers: find("workers"), queue: find("queue"), upstream: find("upstream") },
    page,
  ),
};
if (boot.user) {
  const users = startUsers(find("users"), page, { ownId: boot.user.id });
  const invitations = startInvitations({ list: find("invitations"), form: find("invite") }, page);
  readers.people = {
    load: () => Promise.all([users.load(), invitations.load()]),
    refresh: () => Promise.all([users.refresh(), invitations.refresh()]),
  };
}
new Parts(find("parts"), page, readers).start();
