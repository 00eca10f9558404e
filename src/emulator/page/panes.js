// What stands beside the phone: citizens to try, SMS, and what the server does in measured times.
import { make, summary, timeOf } from "./bubbles.js";

const WORK_SHOWN_MAX = 12;
const TEXTS_SHOWN_MAX = 20;
const number = new Intl.NumberFormat("id-ID", { maximumFractionDigits: 1 });

/** Milliseconds as people read them: `3,1 ms`, `1,2 s`. */
function spoken(ms) {
  return ms < 1_000 ? `${number.format(ms < 10 ? ms : Math.round(ms))} ms` : `${number.format(ms / 1_000)} s`;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** `+6281200000042` as `0812-0000-0042`. */
function local(e164) {
  return e164.replace(/^\+62(\d{3})(\d{4})(\d+)$/, "0$1-$2-$3");
}

/** Citizens, and what they would type. */
export class Cards {
  constructor(list, chips, { pick, fill }) {
    Object.assign(this, { list, chips, pick, fill, cards: [], chosen: null, isNew: () => false });
  }

  show(cards) {
    this.cards = cards;
    this.list.replaceChildren(...cards.map((card) => make("li", "", this.card(card))));
    this.list.hidden = cards.length === 0;
  }

  card(card) {
    const face = make("span", "face", (card.people[0]?.name ?? card.title).charAt(0));
    face.setAttribute("aria-hidden", "true");
    const who = make("span", "number", card.phone ?? `@${card.username ?? "nama pengguna"}`);
    const title = make("strong", "", card.title, " ", small(card.title_en));
    const button = make("button", "card", face, title, make("span", "about", card.about), who);
    button.type = "button";
    button.title = card.about_en;
    button.dataset.key = card.key;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => this.pick(card));
    return button;
  }

  /** Marks the card of whoever writes now; `isNew` tells whether nothing was said yet. */
  choose({ phone, username }, isNew) {
    this.isNew = isNew;
    this.chosen = this.cards.find((card) => (phone ? card.phone === phone : card.username === username)) ?? null;
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.key === this.chosen?.key));
    }
    this.drawn = null;
    this.refresh();
  }

  get registered() {
    return this.chosen?.registered ?? null;
  }

  /** Draws the chips anew when they change: a greeting at first, then name and NIK. */
  refresh() {
    const fresh = this.isNew();
    if (this.drawn === fresh) return;
    this.drawn = fresh;
    this.chips.replaceChildren();
    // Who has only a username is abroad, and writes English.
    const greeting = this.chosen?.bsuid ? "Hello, I need my vaccine certificate" : "hai";
    if (fresh) this.chip(greeting, greeting);
    if (this.registered) this.chip(`Nomor terdaftar ${this.registered}`, this.registered);
    const people = this.chosen?.people ?? [];
    for (const { name, nik } of people) this.chip(`${name} · NIK`, `${name} ${nik}`);
    if (people.length > 1) this.chip("Sekeluarga", people.map(({ name, nik }) => `${name} ${nik}`).join("\n"));
  }

  chip(label, text) {
    const button = make("button", "", label);
    button.type = "button";
    button.title = text;
    button.addEventListener("click", () => this.fill(text));
    this.chips.append(button);
  }
}

function small(text) {
  const element = make("small", "", text);
  element.lang = "en";
  return element;
}

/** Text messages; a code in one can be used with one tap. */
export class Sms {
  constructor(list, empty, use) {
    Object.assign(this, { list, empty, use, unseen: 0, own: null });
  }

  /** `own`: the number of whoever writes now. */
  clear(own) {
    this.own = own;
    this.unseen = 0;
    this.list.replaceChildren();
    this.empty.hidden = false;
  }

  arrived(event) {
    this.unseen += 1;
    this.empty.hidden = true;
    this.list.querySelector(".new")?.classList.remove("new");
    const whose = event.to === this.own ? "nomor ini" : "nomor lain";
    const head = make("header", "", make("b", "", "KEMENKES"), timeOf(event), make("small", "", `ke ${local(event.to)}, ${whose}`));
    const item = make("li", "text new", head, make("p", "", event.text));
    const undo = event.text.match(/BUKAN SAYA \d{4}-\d{4}|NOT ME \d{4}-\d{4}/)?.[0];
    const code = undo ?? event.text.match(/(?<!\d)\d{6}(?!\d)/)?.[0];
    if (code) {
      const button = make("button", "", "Pakai kode ", make("b", "", undo ? undo.slice(-9) : code));
      button.type = "button";
      button.addEventListener("click", () => this.use(code));
      item.append(button);
    }
    this.list.prepend(item);
    while (this.list.childElementCount > TEXTS_SHOWN_MAX) this.list.lastElementChild.remove();
  }
}

/** For each message: when it was stored, when it was answered. */
export class Work {
  constructor(list, empty, sums, storedSum, answeredSum) {
    Object.assign(this, { list, empty, sums, storedSum, answeredSum });
    this.clear();
  }

  clear() {
    this.jobs = new Map();
    this.byReply = new Map();
    this.list.replaceChildren();
    this.empty.hidden = false;
    this.sums.hidden = true;
  }

  said(event) {
    this.empty.hidden = true;
    const [answered, stored] = [make("i", "answered"), make("i", "stored")];
    const [times, note] = [make("p", "times", "…"), make("span", "note")];
    const what = make("p", "what", make("b", "", summary(event.content)), note);
    const row = make("li", "job", what, make("div", "track", answered, stored), times);
    this.jobs.set(event.id, { row, times, bars: { answered, stored }, note });
    this.list.prepend(row);
    if (this.list.childElementCount > WORK_SHOWN_MAX) this.list.lastElementChild.remove();
  }

  stored({ id, ms, attempt }) {
    this.measure(id, { stored: ms }, attempt > 1 ? `diterima pada percobaan ke-${attempt}` : "");
  }

  notStored({ id, http, retry_in_ms: retryMs }) {
    const reason = http === null ? "server tidak menjawab" : `server menjawab ${http}`;
    const next = retryMs === null ? "tidak diulang lagi" : `diulang dalam ${spoken(retryMs)}`;
    this.measure(id, {}, `${reason}, ${next}`, true);
  }

  replied(event) {
    for (const { id, ms } of event.answers) this.measure(id, { answered: ms }, "");
    const last = event.answers.at(-1);
    if (last) this.byReply.set(event.id, last.id);
  }

  /** How far the reply has come, on the line of what it answers. */
  status({ id, step }) {
    const job = this.jobs.get(this.byReply.get(id));
    if (!job) return;
    const name = { sent: "balasan terkirim", delivered: "balasan sampai", read: "balasan dibaca" }[step];
    job.note.textContent = name ?? `balasan gagal (${step.failed?.code})`;
    job.note.classList.toggle("bad", !name);
  }

  measure(id, figures, note, bad = false) {
    const job = this.jobs.get(id);
    if (!job) return;
    Object.assign(job, figures);
    if (note !== "") {
      job.note.textContent = note;
      job.note.classList.toggle("bad", bad);
    }
    const figure = (name, word, ms) => (ms === undefined ? null : make("span", name, `${word} ${spoken(ms)}`));
    job.times.replaceChildren(
      ...[figure("stored", "disimpan", job.stored), figure("answered", "dijawab", job.answered)].filter(Boolean),
    );
    this.draw();
  }

  draw() {
    const jobs = [...this.jobs.values()];
    // Logarithmic: a wait for a neighbour must not make all else invisible.
    const width = (ms) => `${Math.min(100, (Math.log1p(ms ?? 0) / Math.log1p(3_000)) * 100)}%`;
    for (const job of jobs) {
      job.bars.stored.style.width = width(job.stored);
      job.bars.answered.style.width = width(job.answered);
    }
    const show = (element, key) => {
      const values = jobs.map((job) => job[key]).filter((ms) => ms !== undefined);
      element.replaceChildren(values.length === 0 ? "–" : spoken(median(values)), " ", make("small", "", "tengah"));
    };
    this.sums.hidden = false;
    show(this.storedSum, "stored");
    show(this.answeredSum, "answered");
  }
}
