// Files on their way, with a bar for all of them together: a telephone may need minutes for a film. What is not taken so
// is sent in the page, as without scripts, and the page that answers says why it is refused.

const form = document.querySelector("form[enctype]");
const input = form?.querySelector("input[type=file]");
const panel = form?.querySelector("[data-files]");
let sent = false;

function take(file, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/attachments?name=${encodeURIComponent(file.name)}`);
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded }) => progress(loaded));
    request.addEventListener("loadend", () => resolve(request.status === 201 ? request.response : null));
    request.send(file);
  });
}

function freeField() {
  const most = Number(panel.dataset.most);
  const names = Array.from({ length: most }, (_, place) => `file_${place + 1}`);
  return names.find((name) => !form.elements[name]);
}

async function send(button) {
  const files = [...input.files];
  const total = files.reduce((sum, file) => sum + file.size, 0) || 1;
  const bar = panel.querySelector("progress");
  const left = new DataTransfer();
  panel.hidden = false;
  panel.querySelector("[role=status]").textContent = panel.dataset.files;
  let before = 0;
  for (const file of files) {
    const name = freeField();
    const taken = name && (await take(file, (loaded) => { bar.value = (before + loaded) / total; }));
    if (taken) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name });
      field.value = `${taken.attachment_id} ${taken.size_bytes} ${file.name.slice(-100)}`;
      form.append(field);
    } else {
      left.items.add(file);
    }
    before += file.size;
    bar.value = before / total;
  }
  input.files = left.files;
  sent = true;
  form.requestSubmit(button);
}

// Before any other listener: for them the form is sent when the files are.
form?.addEventListener("submit", (event) => {
  if (sent || !input?.files.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (panel.hidden) send(event.submitter);
}, { capture: true });
