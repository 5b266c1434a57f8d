// Fetches the same page every two seconds while it is in view and swaps the
// list when it has changed. Without script the page refreshes itself.
"use strict";

const every = 2000;

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
  const shown = document.querySelector("[data-live]");
  if (!fresh || !shown || fresh.innerHTML === shown.innerHTML) return;
  // A person with the keyboard inside the list, or selecting text, is not disturbed.
  if (shown.contains(document.activeElement) || !getSelection().isCollapsed) return;
  shown.replaceWith(document.importNode(fresh, true));
}

setInterval(() => { refresh().catch(() => {}); }, every);
