// Sends files with a progress bar, to the store itself where that takes them. Without
// this script, and whenever anything goes wrong in it, the form does the same by itself.

"use strict";

async function begin(form, files) {
  const fields = files.flatMap((file) => [["name", file.name], ["size", file.size]]);
  const response = await fetch(form.dataset.begin, {
    method: "POST",
    headers: { "X-CSRF-Token": form.elements.csrf_token.value },
    body: new URLSearchParams(fields),
  });
  if (!response.ok || response.redirected) throw new Error("not allowed");
  return response.json();
}

function put(file, upload, tell) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers)) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => tell(event.loaded));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(new Error(`status ${request.status}`));
    });
    request.addEventListener("error", () => reject(new Error("not sent")));
    request.send(file);
  });
}

async function sendAll(form, files, progress) {
  const uploads = await begin(form, files);
  const taken = files.filter((_, index) => uploads[index]);
  const tickets = uploads.filter(Boolean);
  const total = taken.reduce((sum, file) => sum + file.size, 0);
  let sent = 0;
  for (const [index, file] of taken.entries()) {
    progress.label.textContent = `Sending ${file.name} (${index + 1} of ${taken.length})`;
    await put(file, tickets[index], (loaded) => {
      progress.bar.value = Math.min((sent + loaded) / total, 1);
    });
    sent += file.size;
  }
  return tickets.map((ticket) => ticket.token);
}

function giveBack(form, tokens) {
  for (const token of tokens) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "token";
    field.value = token;
    form.append(field);
  }
  form.elements.file.disabled = true; // its files are there already
}

async function send(form) {
  const [button, box] = [form.querySelector("button"), form.querySelector(".progress")];
  const progress = { bar: box.querySelector("progress"), label: box.querySelector("span") };
  button.disabled = true;
  box.hidden = false;
  try {
    const tokens = await sendAll(form, [...form.elements.file.files], progress);
    if (!tokens.length) return location.reload(); // the page says why
    giveBack(form, tokens);
  } catch {
    progress.label.textContent = "Sending once more, without a progress bar";
    progress.bar.removeAttribute("value");
  }
  form.submit();
}

for (const form of document.querySelectorAll("form[data-begin]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}
