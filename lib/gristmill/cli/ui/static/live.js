// The page is fetched again when something has changed, and its content replaced: what is open,
// scrolled or being filled in stays as it is.
"use strict";
const busy = () => document.querySelector("main :focus:not(a)") !== null || document.hidden;
let waits = false;
async function renew() {
  if (busy()) { waits = true; return; }
  waits = false;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = document.querySelector("main");
  const places = [...main.querySelectorAll(".scroll, pre, .graph")].map((one) => [one.scrollLeft, one.scrollTop]);
  main.replaceChildren(...fresh.querySelector("main").childNodes);
  main.querySelectorAll(".scroll, pre, .graph").forEach((one, place) => {
    if (places[place]) [one.scrollLeft, one.scrollTop] = places[place];
  });
}
if (!["/sign-in"].includes(location.pathname) && !location.pathname.startsWith("/outputs")) {
  const source = new EventSource("/live");
  source.addEventListener("changed", renew);
  source.addEventListener("here", () => { document.documentElement.dataset.live = "yes"; });
  document.addEventListener("visibilitychange", () => { if (waits) renew(); });
  document.addEventListener("focusout", () => { if (waits) setTimeout(renew, 0); });
}
