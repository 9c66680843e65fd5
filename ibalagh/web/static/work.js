// In a flood: does the work that takes a report in at once, and then sends the form again. Whoever stops it, or whose
// browser cannot do it, is told what everybody is told without scripts: to wait a little and press the button.

const panel = document.querySelector("[data-challenge]");
const patience = document.getElementById("patience");
const form = document.getElementById("report");
const bar = panel.querySelector("progress");
const challenge = JSON.parse(panel.dataset.challenge);
// How many tries it takes on average: each further digit of the prefix makes it sixteen times as many.
const expected = 16 ** challenge.parameters.keyPrefix.length;
const worker = new Worker(new URL("work-worker.js", import.meta.url), { type: "module" });

function swap(shown, gone) {
  gone.hidden = true;
  shown.hidden = false;
  shown.focus();
}

function stop() {
  worker.terminate();
  swap(patience, panel);
}

function send(solution) {
  worker.terminate();
  const proof = document.createElement("input");
  proof.type = "hidden";
  proof.name = "proof";
  proof.value = solution;
  form.append(proof);
  form.requestSubmit(form.querySelector(".btn-primary"));
}

worker.addEventListener("error", stop);
worker.addEventListener("message", ({ data }) => {
  // The share of all such searches that would have ended by now: nobody knows how long this one takes.
  if (data.solution) send(data.solution);
  else bar.value = 1 - Math.exp(-data.tries / expected);
});
// Whoever sends the form by hand, changes something or leaves wants no work any more.
form.addEventListener("submit", () => worker.terminate());
panel.querySelector("button").addEventListener("click", stop);
swap(panel, patience);
worker.postMessage(challenge);
