"use strict";
const box = document.getElementById("token"), result = document.getElementById("result"), said = document.getElementById("said");
const longest = 1 << 20, pause = 150; // bytes, milliseconds
let asked = new AbortController(), timer = 0, ended = false;

// show puts what the server or the page itself rendered under the token, and says its gist.
function show(nodes) {
  result.replaceChildren(...nodes);
  said.textContent = result.querySelector(".gist")?.textContent ?? "";
}
const copy = id => document.getElementById(id).content.cloneNode(true).childNodes;

async function read() {
  asked.abort();
  if (ended) return;
  const token = box.value;
  if (token.trim() === "") return show([]);
  if (new Blob([token]).size > longest) return show(copy("too-long"));
  const mine = asked = new AbortController();
  try {
    const answer = await fetch("read", {
      method: "POST", headers: { "Content-Type": "text/plain" }, body: "token=" + token,
      cache: "no-store", credentials: "omit", redirect: "error", signal: mine.signal,
    });
    const text = await answer.text();
    if (!mine.signal.aborted) show(new DOMParser().parseFromString(text, "text/html").body.childNodes);
  } catch {
    if (!mine.signal.aborted) end();
  }
}

// end takes no token any more. When the server has ended, another process may take its port.
function end() {
  ended = true;
  asked.abort();
  box.value = "";
  box.disabled = true;
  show(copy("ended"));
}

// The server answers alive for as long as it runs.
async function watch() {
  try {
    const reader = (await fetch("alive", { cache: "no-store", credentials: "omit" })).body.getReader();
    while (!(await reader.read()).done);
  } catch {}
  end();
}

document.getElementById("read").hidden = true; // for browsers that do not run this
document.getElementById("form").addEventListener("submit", event => { event.preventDefault(); read(); });
document.getElementById("form").addEventListener("reset", () => { setTimeout(() => { read(); box.focus(); }); });
box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(read, pause); });
addEventListener("pagehide", () => { box.value = ""; show([]); }); // a browser may keep pages that were left
watch();
