"use strict";
// What the pages do beside htmx: "/" goes to the search box and Escape back, a dropped file is sent, and a part that could not be loaded is said so.

(() => {
  const SETTING = "bounced-slash";
  const search = document.getElementById("search");
  const failure = document.getElementById("failure");
  const slash = document.getElementById("slash");
  let isOn = localStorage.getItem(SETTING) !== "off"; // WCAG 2.2, 2.1.4: a key of one character can be turned off

  let before = null; // what had the focus when "/" was pressed

  const name = () => {
    slash.textContent = isOn ? "Turn off the key / for the search" : "Turn on the key / for the search";
    document.querySelector(".search kbd").hidden = !isOn;
  };
  slash.hidden = false;
  slash.addEventListener("click", () => {
    isOn = !isOn;
    localStorage.setItem(SETTING, isOn ? "on" : "off");
    name();
  });
  name();

  document.addEventListener("keydown", (event) => {
    if (!isOn || event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    before = document.activeElement;
    search.focus();
    search.select();
  });

  // Escape empties the search box, as browsers do; from an empty one it goes back.
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || search.value) return;
    (before && before !== document.body ? before : document.getElementById("main")).focus();
    before = null;
  });

  // A part that is looked at again by itself stays while somebody is in it.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.target;
    if (part.id !== "now") return;
    if (part.contains(document.activeElement) || part.querySelector("details[open]")) event.preventDefault();
  });

  // A page that follows what happens keeps the newest.
  const MOST_EVENTS = 500;
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id !== "events") return;
    while (event.target.children.length > MOST_EVENTS) event.target.lastElementChild.remove();
  });

  // A file that is dropped anywhere on a form which takes one is sent.
  for (const form of document.querySelectorAll("form.takes-file")) {
    const hasFile = (event) => event.dataTransfer.types.includes("Files");
    form.addEventListener("dragover", (event) => hasFile(event) && event.preventDefault());
    form.addEventListener("drop", (event) => {
      if (!event.dataTransfer.files.length) return;
      event.preventDefault();
      form.querySelector("input[type=file]").files = event.dataTransfer.files;
      form.requestSubmit();
    });
  }

  const say = (text) => {
    failure.textContent = text;
    failure.hidden = !text;
  };
  const LATER = " What stands below is as it was before.";
  document.addEventListener("htmx:sendError", () => say("bounced web does not answer." + LATER));
  document.addEventListener("htmx:timeout", () => say("bounced web did not answer in time." + LATER));
  document.addEventListener("htmx:responseError", (event) =>
    say(`It could not be loaded (${event.detail.xhr.status}).` + LATER));
  document.addEventListener("htmx:afterOnLoad", (event) => event.detail.successful && say(""));
})();
