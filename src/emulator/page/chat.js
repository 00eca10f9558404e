// The chat page: opens a chat, listens to what happens in it, speaks for the citizen.
// Everything that people wrote reaches the page as text nodes, never as markup.
import { Chat } from "./bubbles.js";
import { Menu } from "./menu.js";
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
let draft = null;

const chat = new Chat(log, { choose: (content) => say(content), open: openSheet, act: openActions });
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
  start(null);
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

async function say(content, quotes = null) {
  try {
    await call("POST", `/page/chats/${token}/messages`, { content, quotes });
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
  const content = { type: "text", text };
  if (draft?.choice === "edit") say({ type: "edit", original: draft.id, content });
  else say(content, draft?.id);
  start(null);
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
  } else if (event.key === "Escape" && draft) {
    if (draft.choice === "edit") fill("");
    start(null);
  }
});

// === attachments ===================================================================================

const attachments = new Menu($("attach-menu"), (kind) => {
  say(attachment(kind));
  input.focus();
});
$("attach").addEventListener("click", () => attachments.toggle($("attach")));

function attachment(kind) {
  if (kind !== "contact") return { type: kind };
  const phone = cards.registered ?? self.phone ?? "0812-0000-0118";
  return { type: "contacts", cards: [{ name: "Nomor saya", phone }] };
}

// === one message: answer it, write it anew, take it back ===========================================

const actions = new Menu($("message-menu"), (choice, opener) => act(choice, opener.dataset.message));

/** `own`: may be written anew or taken back. The menu stands below the button that opened it. */
function openActions(opener, own) {
  const choices = own ? [["edit", "Sunting"], ["revoke", "Hapus"]] : [["quote", "Balas"], ["thumb", "Suka 👍"]];
  const menu = $("message-menu");
  menu.replaceChildren(...choices.map(([choice, title]) => {
    const item = Object.assign(document.createElement("button"), { type: "button", textContent: title });
    item.setAttribute("role", "menuitem");
    item.dataset.choice = choice;
    return item;
  }));
  actions.toggle(opener);
  const box = opener.getBoundingClientRect();
  const room = { right: innerWidth - menu.offsetWidth - 8, bottom: innerHeight - menu.offsetHeight - 8 };
  menu.style.left = `${Math.max(8, Math.min(box.left, room.right))}px`;
  menu.style.top = `${Math.min(box.bottom + 4, room.bottom)}px`;
}

function act(choice, id) {
  if (choice === "revoke") say({ type: "revoke", original: id });
  else if (choice === "thumb") say({ type: "reaction", to: id, emoji: "👍" });
  else start({ choice, id });
}

/** What is being written is an answer to a message, or a message written anew; `null`: neither. */
function start(next) {
  const rewriting = draft?.choice === "edit";
  draft = next;
  $("draft").hidden = draft === null;
  if (draft === null) return;
  const text = chat.textOf(draft.id);
  $("draft-what").textContent = draft.choice === "edit" ? "Sunting" : "Balas";
  $("draft-text").textContent = text;
  fill(draft.choice === "edit" ? text : rewriting ? "" : input.value);
  chat.toEnd();
}

$("draft-drop").addEventListener("click", () => { start(null); input.focus(); });

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
    const problem = $("who-problem");
    problem.textContent = "Tulis nomor seperti 0812-0000-0042, atau nama pengguna: 3 sampai 35 huruf, angka, titik, atau garis bawah.";
    problem.scrollIntoView({ block: "nearest" });
  }
});

// === start =========================================================================================

const setup = await call("GET", "/page/setup");
cards.show(setup.cards);
if (!setup.sms) $("sms-empty").replaceWith($("sms-away"));
$("sms-away").hidden = setup.sms;
const last = JSON.parse(sessionStorage.getItem("who") ?? "null");
await openChat(last ?? setup.cards[0] ?? { phone: "0812-0000-0042" });
