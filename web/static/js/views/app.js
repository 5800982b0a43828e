// The page is put together here: what all views share, the views, and who carries words between
// them and the models. Views tell what a person wants by events that bubble; models, what changed.

import { watchToggles } from "../lib/bootstrap.js";
import { isTouch } from "../lib/dom.js";
import { Announcer } from "../lib/announce.js";
import { browserEnvironment } from "../lib/environment.js";
import { Activity } from "../models/activity.js";
import { Drafts } from "../models/drafts.js";
import { Memory } from "../models/memory.js";
import { OwnStorage } from "../models/own_storage.js";
import { Search } from "../models/search.js";
import { Store } from "../models/store.js";
import { Background } from "./background.js";
import { Composer } from "./composer.js";
import { Dialogs } from "./dialogs.js";
import { InView } from "./in_view.js";
import { listenToList } from "./list_wishes.js";
import { ModelPicker } from "./model_picker.js";
import { Notices } from "./notices.js";
import { listenToPage } from "./page_wishes.js";
import { Reading } from "./reading.js";
import { listenToReading } from "./reading_wishes.js";
import { Screen } from "./screen.js";
import { Settings } from "./settings.js";
import { listenToKeys } from "./shortcuts.js";
import { Sidebar } from "./sidebar.js";
import { showSignedOut } from "./signed_out.js";
import { Speaker } from "./speaker.js";
import { Topbar } from "./topbar.js";
import { Transcript } from "./transcript.js";
import { listenToTurns } from "./turn_wishes.js";

export class App {
  #page;
  #inView;
  #background;

  constructor({ api, i18n, userId }) {
    const announcer = new Announcer(document.getElementById("status"));
    const environment = browserEnvironment(() => api.now());
    const storage = new OwnStorage(localStorage, userId);
    const memory = new Memory(storage);
    const activity = new Activity({
      api,
      memory,
      environment,
      isLookedAt: (id) => id === this.#inView.conversation.id && !document.hidden,
    });
    this.#page = {
      api,
      i18n,
      announcer,
      environment,
      activity,
      memory,
      store: new Store(api, memory),
      search: new Search(api),
      drafts: new Drafts(storage),
      stateOf: (id) => {
        const here = this.screen.stateOf(id);
        return here === undefined ? activity.stateOf(id) : here;
      },
      texts: { t: (key) => i18n.t(key), announce: (text) => announcer.say(text) },
      failed: (error) => this.screen.fail(error),
      focusComposer: () => this.views.composer.focus(),
    };
    this.views = buildViews(this.#page);
    this.screen = new Screen(this.#page, this.views);
    this.#inView = new InView(this.#page, this.views, this.screen);
    listenToReading(document.body, this.#page, this.views, this.#inView, this.screen);
    listenToTurns(document.body, this.#page, this.views, this.#inView, this.screen);
    listenToList(document.body, this.#page, this.views, this.#inView, this.screen);
    listenToPage(document.body, this.#page, this.views, this.#inView, this.screen);
    listenToKeys(document.body, {
      sidebar: document.getElementById("sidebar"),
      search: document.querySelector("[data-search]"),
      startNew: () => this.#inView.go(null),
    });
    this.#background = new Background(this.#page, this.views, this.#inView, this.screen);
    showSignedOut({ api, i18n, notices: this.views.notices });
    watchToggles(document.body);
  }

  async start() {
    const { store } = this.#page;
    this.#inView.start();
    this.#background.start();
    if (!isTouch()) this.views.composer.focus();
    await Promise.all([
      this.screen.attempt(() => store.loadModels()),
      this.screen.attempt(() => store.loadConversations()),
    ]);
  }
}

function buildViews(page) {
  const find = (id) => document.getElementById(id);
  new Settings(document.querySelector("[data-settings]"));
  return {
    sidebar: new Sidebar(find("sidebar"), page),
    topbar: new Topbar(find("topbar"), page),
    transcript: new Transcript(find("transcript"), find("jump"), page),
    composer: new Composer(find("composer"), page),
    picker: new ModelPicker(find("composer").querySelector("[data-models]"), page),
    notices: new Notices(find("notices"), page),
    reading: new Reading(page),
    dialogs: new Dialogs(page),
    speaker: new Speaker(page),
  };
}
