// Bootstrap's JavaScript, fetched at the first sign that a menu, dialog or drawer is wanted: most
// first views need none of it. Its file is a classic script, because its ES build asks for a bare
// "@popperjs/core", which needs an inline import map.

const TOGGLES = "[data-bs-toggle]";

let loading = null;

/** Resolves to Bootstrap's components: {Modal, Dropdown, …}. */
export function bootstrap() {
  loading ??= import("../../vendor/bootstrap/bootstrap.bundle.min.js").then(
    () => globalThis.bootstrap,
    (error) => {
      loading = null;
      throw error;
    },
  );
  return loading;
}

/** Puts an open drawer away. Without Bootstrap none was ever opened. */
export function hideDrawer(root) {
  globalThis.bootstrap?.Offcanvas.getInstance(root)?.hide();
}

/** Puts an open menu away. */
export function hideDropdown(toggle) {
  globalThis.bootstrap?.Dropdown.getInstance(toggle)?.hide();
}

/** Opens the drawer and resolves when it stands; where the sidebar always stands, at once. */
export async function openDrawer(root) {
  if (getComputedStyle(root).position !== "fixed") return;
  const { Offcanvas } = await bootstrap();
  const shown = new Promise((resolve) =>
    root.addEventListener("shown.bs.offcanvas", resolve, { once: true }),
  );
  const drawer = Offcanvas.getOrCreateInstance(root);
  const { classList } = root;
  if (classList.contains("show") && !classList.contains("hiding")) return;
  drawer.show();
  await shown;
}

/** Fetches Bootstrap when a toggle is about to be used; a click that comes first is repeated. */
export function watchToggles(root) {
  for (const type of ["pointerover", "focusin", "touchstart"]) {
    root.addEventListener(type, (event) => event.target.closest(TOGGLES) && bootstrap(), {
      passive: true,
    });
  }
  root.addEventListener("click", (event) => repeat(event), { capture: true });
}

async function repeat(event) {
  const toggle = event.target.closest(TOGGLES);
  if (!toggle || globalThis.bootstrap) return;
  event.preventDefault();
  event.stopPropagation();
  await bootstrap();
  toggle.click();
}
