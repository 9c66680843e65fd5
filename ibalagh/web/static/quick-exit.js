// Leaves at once, by the button or by Escape three times within two seconds: the page disappears first, and its place
// in the history is taken by the page that the button leads to. A single Escape does what it always does.

const PRESSES = 3;
const WITHIN_MS = 2000;

const way = document.querySelector(".quick-exit a");
let pressed = [];

function leave() {
  document.documentElement.hidden = true;
  document.title = "";
  location.replace(way.href);
}

function clicked(event) {
  // With a modifier the reader wants another window, which is no leaving.
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  leave();
}

function keyed(event) {
  // A key that is held down is one press; while an input method composes, Escape is its own.
  if (event.key !== "Escape" || event.repeat || event.isComposing) return;
  pressed = pressed.filter((atMs) => event.timeStamp - atMs < WITHIN_MS);
  pressed.push(event.timeStamp);
  if (pressed.length >= PRESSES) leave();
}

if (way) {
  way.addEventListener("click", clicked);
  addEventListener("keydown", keyed, { capture: true });
  const hint = document.getElementById("leave-keys");
  hint.hidden = false;
  way.setAttribute("aria-describedby", hint.id);
}
