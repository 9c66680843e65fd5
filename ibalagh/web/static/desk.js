// Keys for the analysts' desk, and the claim that is renewed while the page is looked at. Without it all of this is
// done with the page's own links and buttons.

const renewing = document.querySelector("form[data-renew-s]");
if (renewing) {
  const timer = setInterval(async () => {
    if (document.visibilityState !== "visible") return;
    const answer = await fetch(renewing.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(renewing)),
      headers: { Accept: "application/json" },
      redirect: "manual", // what comes back is a page that is shown already
    }).catch(() => null); // offline: the next turn tries again
    if (answer && answer.status >= 400 && answer.status < 500) {
      const held = document.getElementById("held");
      held.textContent = held.dataset.lost;
      clearInterval(timer);
    }
  }, Number(renewing.dataset.renewS) * 1000);
}

for (const opener of document.querySelectorAll("[data-opens]")) {
  opener.hidden = false;
  opener.addEventListener("click", () => document.getElementById(opener.dataset.opens).showModal());
}

// Rows of the list: the link of a row has the focus, so a screen reader says it and Enter follows it.
function move(step) {
  const links = [...document.querySelectorAll("[data-row-link]")];
  const row = document.activeElement.closest("[data-row]");
  const at = links.findIndex((link) => row && row.contains(link));
  const next = links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)];
  if (next) next.focus();
}

function press(key) {
  if (key === "j" || key === "k") return move(key === "j" ? 1 : -1);
  if (key === "x") {
    const row = document.activeElement.closest("[data-row]");
    if (row) row.querySelector("input[type=checkbox]").click();
    return;
  }
  const found = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!found) return;
  const hidden = found.closest("details:not([open])");
  if (hidden) hidden.open = true;
  found.focus();
  if ("press" in found.dataset) found.click();
}

if (document.querySelector('[data-keys="on"]')) {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!/^[a-z?/]$/.test(event.key)) return;
    if (event.key === "j" || event.key === "k" || event.key === "x" || document.querySelector(`[data-key="${CSS.escape(event.key)}"]`)) {
      event.preventDefault();
      press(event.key);
    }
  });
}
