// A classic script in the head: a form that is sent before the modules have started waits for them
// instead of being sent by the browser, which would leave the page. lib/form.js asks for it.
(() => {
  const waiting = new Set();
  document.addEventListener(
    "submit",
    (event) => {
      event.preventDefault();
      waiting.add(event.target);
    },
    { capture: true },
  );
  window.epicodeEarly = {
    /** Whether this form was sent already. */
    take: (form) => waiting.delete(form),
  };
})();
