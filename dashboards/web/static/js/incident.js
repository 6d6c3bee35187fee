// The page of one incident: who takes it and what they say goes to the API, and comes back at once.

import { refreshNow } from "./refresh.js";

const form = document.getElementById("say");
const said = document.getElementById("said");
const { incident } = document.getElementById("incident-region").dataset;

function remembered() {
  try {
    return localStorage.getItem("name") ?? "";
  } catch {
    return ""; // storage may be forbidden
  }
}

function remember(name) {
  try {
    localStorage.setItem("name", name);
  } catch {
    // it is asked for again
  }
}

async function say(kind, by, text) {
  if (kind === "note" && !text) {
    said.textContent = "A note needs some words.";
    form.elements.text.focus();
    return;
  }
  try {
    const answer = await fetch(`/api/incidents/${encodeURIComponent(incident)}/${kind}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ by, text }),
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error?.message ?? answer.statusText);
    said.textContent = kind === "ack" ? `Acknowledged by ${by}.` : "Noted.";
    form.elements.text.value = "";
    remember(by);
    await refreshNow();
  } catch (error) {
    said.textContent = `Not kept: ${error.message}`;
  }
}

if (form) {
  form.elements.by.value = remembered();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say(event.submitter?.value ?? "ack", form.elements.by.value.trim(), form.elements.text.value.trim());
  });
}
