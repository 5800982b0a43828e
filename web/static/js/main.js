// Starts the page: the texts first, because every view is made of them.

import { Api } from "./api.js";
import { I18n } from "./lib/i18n.js";
import { App } from "./views/app.js";

const boot = JSON.parse(document.getElementById("boot").textContent);
const api = new Api({ csrfToken: boot.csrf_token, userId: boot.user?.id });
const i18n = new I18n(boot.lang, await api.texts(boot.catalogue_url));
await new App({ api, i18n, userId: boot.user?.id ?? null }).start();
