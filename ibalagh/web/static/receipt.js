// Keeping the receipt: a button that prints, one that copies, and a question before a page is left whose receipt was
// neither. The signed proof does not hold the receipt, so saving it keeps nothing; but it is no leaving either.

const MOMENT_MS = 1000;

const panel = document.querySelector("[data-keep]");
const said = panel.querySelector("[role=status]");
const copy = panel.querySelector("[data-copied]");
let kept = false;
let saving = false;

panel.querySelector("[data-print]").addEventListener("click", () => {
  print();
  kept = true;
});
// Where the page came by plain HTTP, browsers let no script copy.
copy.hidden = !navigator.clipboard;
copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(document.querySelector(".receipt-text code").textContent);
    kept = true;
    said.textContent = copy.dataset.copied;
  } catch {
    said.textContent = copy.dataset.notCopied;
  }
});
panel.hidden = false;

// By the browser's own ways. Whether anything came out of the printer is told to no page.
addEventListener("afterprint", () => (kept = true));
addEventListener("copy", () => (kept = true));
addEventListener("submit", () => {
  saving = true;
  setTimeout(() => (saving = false), MOMENT_MS);
});
addEventListener("beforeunload", (event) => {
  // Hidden is the page that is left by the quick way out, which asks nothing.
  if (kept || saving || document.documentElement.hidden) return;
  event.preventDefault();
  event.returnValue = true; // for browsers that heed this only
});
