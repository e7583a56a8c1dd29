"use strict";

// Asks for the rows once a second; the server answers 304 while nothing changed.
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
      rows.innerHTML = await answer.text(); // escaped by the server's template
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
