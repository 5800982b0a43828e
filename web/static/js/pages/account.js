// Starts one's account: each part reads and changes its own things.

import { startKeys } from "../views/account/keys.js";
import { startProfile } from "../views/account/profile.js";
import { startSessions } from "../views/account/sessions.js";
import { startUsage } from "../views/account/usage.js";
import { startPage } from "./start.js";

const { boot, page } = await startPage();
const find = (id) => document.getElementById(id);
if (boot.user) {
  const sessions = startSessions(find("sessions"), page);
  startProfile({ profile: find("profile"), password: find("password"), deletion: find("deletion") }, page, {
    passwordChanged: () => sessions.load(),
  });
}
startKeys({ list: find("keys"), form: find("new-key") }, page);
startUsage(find("usage"), page);
