// The chat page: opens a chat, listens to what happens in it, speaks for the citizen.
// Everything that people wrote reaches the page as text nodes, never as markup.
import { Chat } from "./bubbles.js";
import { Cards, Sms, Work } from "./panes.js";

const $ = (id) => document.getElementById(id);
const log = $("log");
const input = $("compose-text");
/** A typing indicator that no reply ends goes away by itself, as on WhatsApp. */
const TYPING_MS = 25_000;

let token = null;
let self = null;
let stream = null;
let seen = 0;
let typingTimer = 0;

const chat = new Chat(log, { choose: (content) => say(content), open: openSheet });
const work = new Work($("work"), $("work-empty"), $("sums"), $("sum-stored"), $("sum-answered"));
const sms = new Sms($("texts"), $("sms-empty"), (text) => { show("chat"); fill(text); });
const cards = new Cards($("cards"), $("chips"), { pick: (card) => { openChat(card); show("chat"); }, fill });

async function call(method, path, body) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (!answer.ok) throw Object.assign(new Error(`http ${answer.status}`), { status: answer.status });
  return answer.status === 204 ? null : answer.json();
}

// === the chat ======================================================================================

/** Opens the chat of a phone or username: `{phone}`, `{username, bsuid}`, or a card with the same fields. */
async function openChat(who) {
  const { phone, username, bsuid } = who;
  const opening = phone ? { phone } : { username, bsuid: bsuid ?? undefined };
  const opened = await call("POST", "/page/chats", opening);
  sessionStorage.setItem("who", JSON.stringify(opening));
  token = opened.chat;
  self = opened;
  seen = 0;
  chat.clear();
  work.clear();
  sms.clear(self.e164);
  $("self").textContent = self.phone ?? `@${self.username}`;
  $("self").title = "Anda menulis sebagai nomor ini";
  cards.choose(opening, () => chat.isEmpty);
  listen();
}

function listen() {
  stream?.close();
  const mine = token;
  log.setAttribute("aria-busy", "true");
  stream = new EventSource(`/page/chats/${mine}/events`);
  stream.onopen = () => {
    presence("online");
    // What happened before is not read out; what happens from here on is.
    setTimeout(() => log.setAttribute("aria-busy", "false"), 300);
  };
  stream.onmessage = (message) => {
    if (mine !== token) return;
    const event = JSON.parse(message.data);
    if (event.seq <= seen) return;
    seen = event.seq;
    happen(event);
  };
  stream.onerror = () => {
    presence("menyambung lagi…");
    // Closed for good: this emulator no longer knows the chat. It is opened anew.
    if (stream.readyState === EventSource.CLOSED && mine === token) setTimeout(reopen, 1_500);
  };
}

function reopen() {
  openChat(JSON.parse(sessionStorage.getItem("who"))).catch(() => setTimeout(reopen, 3_000));
}

function happen(event) {
  switch (event.kind) {
    case "said":
      chat.said(event);
      work.said(event);
      break;
    case "stored":
      chat.tick(event.id, "stored");
      work.stored(event);
      break;
    case "not_stored":
      work.notStored(event);
      break;
    case "replied":
      typing(false);
      chat.replied(event);
      work.replied(event);
      break;
    case "typing":
      // A page that is loaded again is not told of a typing that is long over.
      if (Date.now() - event.at_ms < TYPING_MS) typing(true);
      break;
    case "marked_read":
      chat.read(event.id);
      break;
    case "status":
      work.status(event);
      break;
    case "sms":
      sms.arrived(event);
      if (document.body.dataset.pane !== "sms") badge(sms.unseen);
      break;
  }
  cards.refresh();
}

function typing(on) {
  clearTimeout(typingTimer);
  chat.typing(on);
  presence(on ? "sedang mengetik…" : "online");
  if (on) typingTimer = setTimeout(() => typing(false), TYPING_MS);
}

function presence(text) {
  if ($("presence").textContent !== text) $("presence").textContent = text;
}

// === speaking ======================================================================================

async function say(content) {
  try {
    await call("POST", `/page/chats/${token}/messages`, { content });
  } catch (error) {
    presence(error.status === 503 ? "emulator penuh, coba lagi" : "pesan tidak terkirim");
  }
}

function fill(text) {
  input.value = text;
  grow();
  input.focus();
  input.setSelectionRange(text.length, text.length);
}

function grow() {
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight + 2, 132)}px`;
}

function send() {
  const text = input.value.trim();
  if (text === "") return;
  input.value = "";
  grow();
  say({ type: "text", text });
}

$("compose").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
  input.focus();
});
input.addEventListener("input", grow);
input.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});

// === attachments ===================================================================================

const menu = $("attach-menu");
const items = [...menu.querySelectorAll("button")];

function attachMenu(open) {
  menu.hidden = !open;
  $("attach").setAttribute("aria-expanded", String(open));
  if (open) items[0].focus();
}

function attachment(kind) {
  if (kind !== "contact") return { type: kind };
  const phone = cards.registered ?? self.phone ?? "0812-0000-0118";
  return { type: "contacts", cards: [{ name: "Nomor saya", phone }] };
}

$("attach").addEventListener("click", () => attachMenu(menu.hidden));
menu.addEventListener("click", (event) => {
  const kind = event.target.closest("button")?.dataset.attach;
  if (!kind) return;
  attachMenu(false);
  say(attachment(kind));
  input.focus();
});
menu.addEventListener("keydown", (event) => {
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    items.at(to % items.length).focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    attachMenu(false);
    if (event.key === "Escape") $("attach").focus();
  }
});
document.addEventListener("pointerdown", (event) => {
  if (!menu.hidden && !event.target.closest(".attach")) attachMenu(false);
});

// === the list sheet ================================================================================

const sheet = $("sheet");

function openSheet(form, of) {
  $("sheet-title").textContent = form.open;
  const rows = $("sheet-rows");
  rows.replaceChildren();
  let section = null;
  for (const row of form.rows) {
    if (row.section && row.section !== section) {
      section = row.section;
      rows.append(Object.assign(document.createElement("h3"), { textContent: section }));
    }
    const pick = Object.assign(document.createElement("button"), { type: "button", className: "pick" });
    pick.append(row.title);
    if (row.description) pick.append(Object.assign(document.createElement("small"), { textContent: row.description }));
    pick.addEventListener("click", () => {
      sheet.close();
      say({ type: "row", of, id: row.id, title: row.title, description: row.description });
    });
    rows.append(pick);
  }
  sheet.showModal();
}

$("sheet-close").addEventListener("click", () => sheet.close());
sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });

// === panes =========================================================================================

function badge(count) {
  $("sms-badge").hidden = count === 0;
  $("sms-badge").textContent = count;
}

/** On a narrow screen one pane is shown at a time; on a wide one this changes nothing to be seen. */
function show(pane) {
  document.body.dataset.pane = pane;
  for (const tab of document.querySelectorAll(".tabs button")) {
    if (tab.dataset.pane === pane) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
  if (pane === "sms") {
    sms.unseen = 0;
    badge(0);
  }
  if (pane === "chat") chat.toEnd();
}

document.querySelector(".tabs").addEventListener("click", (event) => {
  const pane = event.target.closest("button")?.dataset.pane;
  if (pane) show(pane);
});

$("who").addEventListener("submit", async (event) => {
  event.preventDefault();
  const typed = $("who-text").value.trim();
  const who = /^@|[a-z]/i.test(typed) ? { username: typed.replace(/^@/, "") } : { phone: typed };
  $("who-problem").textContent = "";
  try {
    await openChat(who);
    $("who-text").value = "";
    show("chat");
    input.focus();
  } catch {
    $("who-problem").textContent = "Tulis nomor seperti 0812-0000-0042, atau nama pengguna dari 3 sampai 35 huruf.";
  }
});

// === start =========================================================================================

const setup = await call("GET", "/page/setup");
cards.show(setup.cards);
const last = JSON.parse(sessionStorage.getItem("who") ?? "null");
await openChat(last ?? setup.cards[0] ?? { phone: "0812-0000-0042" });
