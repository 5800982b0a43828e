// Invitations that wait for somebody: their link is shown once, when they are made.

import { el } from "../../lib/dom.js";
import { Form } from "../../lib/form.js";
import { Table } from "../../lib/table.js";
import { agoElement } from "../../lib/when.js";
import { Listing } from "../../models/listing.js";
import { shownOnce } from "../shown_once.js";

/** Returns the listing. */
export function startInvitations({ list, form }, page) {
  const { api, i18n, texts } = page;
  const invitations = new Listing(() => api.invitations());
  // the links that are still in sight, by the invitation's id
  const links = new Map();
  const table = new Table(list, {
    caption: i18n.t("ui.invitations.title"),
    columns: [
      { name: i18n.t("ui.invitations.for") },
      { name: i18n.t("ui.users.role") },
      { name: i18n.t("ui.invitations.ends") },
      { name: i18n.t("ui.actions"), isHidden: true },
    ],
    keyOf: ({ id }) => id,
    nothing: i18n.t("ui.invitations.nothing"),
    cells: (invitation) => [
      nameOf(invitation),
      i18n.t(`ui.role.${invitation.role}`),
      agoElement(i18n, invitation.expires_at, api.now()),
      withdrawButton(invitation),
    ],
  });
  invitations.addEventListener("change", () => table.show(invitations.items));

  const inviting = new Form(form, {
    texts,
    send: async ({ email, role }) => {
      const { url, ...invitation } = await api.invite(email ? { email, role } : { role });
      invitations.add(invitation);
      inviting.clear();
      const link = shownOnce({ title: i18n.t("ui.invitations.once"), secret: url }, page);
      links.set(invitation.id, link);
      form.before(link);
    },
  });
  return invitations;

  function nameOf({ email }) {
    return email ?? i18n.t("ui.invitations.anyone");
  }

  function withdrawButton(invitation) {
    return el(
      "button",
      {
        type: "button",
        class: "plain-button",
        "data-action": "withdraw",
        "aria-label": i18n.t("ui.invitations.withdraw_label", { name: nameOf(invitation) }),
        on: { click: () => withdraw(invitation) },
      },
      i18n.t("ui.invitations.withdraw"),
    );
  }

  function withdraw(invitation) {
    return page.attempt(async () => {
      await api.withdrawInvitation(invitation.id);
      invitations.remove(invitation.id);
      links.get(invitation.id)?.remove();
      page.announcer.say(i18n.t("ui.invitations.withdrawn"));
      page.focusComposer();
    });
  }
}
