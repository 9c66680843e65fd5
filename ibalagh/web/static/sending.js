// A form with `data-sending` is sent once however often a button is pressed, and the pressed one says so. It can be
// pressed again when the page is shown again, when Escape has stopped the sending, and when no answer has come for long.

const LONG_MS = 60_000;

for (const form of document.querySelectorAll("form[data-sending]")) {
  let recover = null;

  form.addEventListener("submit", (event) => {
    if (recover) {
      event.preventDefault();
      return;
    }
    const button = event.submitter;
    const shows = button?.classList.contains("btn-primary");
    const words = button?.textContent;
    // Not `disabled`: the name and value of the button say what was pressed, and a disabled one is not sent.
    button?.setAttribute("aria-disabled", "true");
    form.setAttribute("aria-busy", "true");
    if (shows) button.textContent = form.dataset.sending;
    const timer = setTimeout(() => recover?.(), LONG_MS);
    recover = () => {
      clearTimeout(timer);
      recover = null;
      button?.removeAttribute("aria-disabled");
      form.removeAttribute("aria-busy");
      if (shows) button.textContent = words;
    };
  });
  addEventListener("pageshow", () => recover?.());
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") recover?.();
  });
}
