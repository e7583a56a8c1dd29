"use strict";

// Reloads the rows every second. The server answers 304 if nothing has changed.
const rows = document.getElementById("rows");
const live = document.getElementById("live");
let seen = "";

function show(text, name) {
  live.textContent = text;
  live.className = name;
}

async function refresh() {
  try {
    const answer = await fetch("/inbox/rows", { headers: { "If-None-Match": seen }, cache: "no-store" });
    if (answer.status === 200) {
      seen = answer.headers.get("ETag") || "";
      rows.innerHTML = await answer.text(); // the server's template has escaped it
    } else if (answer.status !== 304) {
      throw new Error(answer.status);
    }
    show("live", "on");
  } catch {
    show("the server does not answer", "off");
  }
  setTimeout(refresh, 1000);
}

refresh();
