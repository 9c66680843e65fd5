// Says how many characters still fit into a long text, when few do: `<p data-counter="ID" data-left="… {left}">` beside
// the field with that id and a `maxlength`. Seen at once; read aloud only when the writing pauses.

const FROM = 0.1;
const PAUSE_MS = 1500;
// Western digits in every language, as they are written in Morocco and elsewhere on these pages.
const numbers = new Intl.NumberFormat(`${document.documentElement.lang}-u-nu-latn`);

for (const seen of document.querySelectorAll("[data-counter]")) {
  const field = document.getElementById(seen.dataset.counter);
  const aloud = document.createElement("p");
  aloud.className = "visually-hidden";
  aloud.setAttribute("role", "status");
  seen.after(aloud);
  seen.setAttribute("aria-hidden", "true");
  let pause = 0;

  const count = () => {
    const left = field.maxLength - field.value.length;
    const words = seen.dataset.left.replace("{left}", numbers.format(left));
    seen.hidden = left > field.maxLength * FROM;
    seen.textContent = words;
    clearTimeout(pause);
    if (!seen.hidden) pause = setTimeout(() => (aloud.textContent = words), PAUSE_MS);
  };
  field.addEventListener("input", count);
  addEventListener("pageshow", count);
}
