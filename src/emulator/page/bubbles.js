// Draws the chat: one element a message, ticks on the citizen's own, buttons below the service's.

const clock = new Intl.DateTimeFormat("id-ID", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Jakarta" });
const TICKS = {
  waiting: ["i-wait", "menunggu"],
  sent: ["i-tick", "terkirim"],
  stored: ["i-ticks", "diterima"],
  read: ["i-ticks", "dibaca"],
};
const RANK = ["waiting", "sent", "stored", "read"];
/** What stands for content that is no text: a symbol and its name. */
const OBJECTS = {
  voice: ["i-voice", "Pesan suara"],
  photo: ["i-photo", "Foto"],
  video: ["i-photo", "Video"],
  document: ["i-paper", "Dokumen"],
  location: ["i-place", "Lokasi"],
  contacts: ["i-person", "Kontak"],
  image: ["i-photo", "Gambar"],
  audio: ["i-voice", "Audio"],
  template: ["i-paper", "Pesan template"],
  unsupported: ["i-paper", "Pesan lain"],
};
const SVG = "http://www.w3.org/2000/svg";

/** An element with a class, a text and children. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** One of the page's symbols. */
export function icon(name, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  if (className) svg.setAttribute("class", className);
  svg.append(use);
  return svg;
}

export const timeOf = (event) => clock.format(event.at_ms);

/** What a message of the citizen is called in a line. */
export function summary(content) {
  switch (content.type) {
    case "text": return content.text;
    case "button":
    case "row": return content.title;
    case "edit": return `(sunting) ${summary(content.content)}`;
    case "revoke": return "(hapus pesan)";
    case "sticker": return "(stiker)";
    case "welcome": return "(membuka chat)";
    case "reaction": return `(reaksi ${content.emoji ?? "dihapus"})`;
    default: return `(${(OBJECTS[content.type] ?? OBJECTS.unsupported)[1].toLowerCase()})`;
  }
}

export class Chat {
  /**
   * `choose(content)`: a button was tapped; `open(form, id)`: a list is to be opened; `act(opener, own)`: what
   * can be done with a message is asked for.
   */
  constructor(log, { choose, open, act }) {
    Object.assign(this, { log, choose, open, act });
    this.dots = make("div", "message theirs turn typing", make("div", "bubble", make("i"), make("i"), make("i")));
    this.dots.setAttribute("aria-hidden", "true");
    this.clear();
  }

  clear() {
    this.messages = new Map();
    this.ticks = new Map();
    this.side = null;
    this.log.replaceChildren(
      make("p", "hint", "Tulis “hai” untuk memulai, seperti kepada nomor WhatsApp resmi. Kode OTP tiba sebagai SMS."),
    );
  }

  get isEmpty() {
    return this.messages.size === 0;
  }

  toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  // --- the citizen ---------------------------------------------------------------------------------

  said(event) {
    const { id, content } = event;
    if (content.type === "edit") return this.edited(content);
    if (content.type === "revoke") return this.revoked(content);
    if (content.type === "welcome") return undefined;
    if (content.type === "reaction") return this.reacted(content.to, content.emoji);
    const tick = make("span", "tick-place");
    const bubble = make("div", `bubble is-${content.type}`, this.quoted(event), ...this.saidBody(content), this.meta(event, tick));
    this.ticks.set(id, { place: tick, state: null });
    this.tick(id, "sent");
    if (content.type === "text") bubble.append(this.more(id, true));
    return this.add(event, "ours", "Anda", bubble);
  }

  saidBody(content) {
    if (content.type === "sticker") return [icon("i-smile", "sticker-face"), make("span", "hidden", "Stiker")];
    const named = OBJECTS[content.type];
    if (!named) return [make("span", "body", summary(content))];
    const name = content.cards ? `${content.cards[0].name}, ${content.cards[0].phone}` : named[1];
    return [this.object(named[0], content.caption ?? content.file_name ?? name)];
  }

  edited({ original, content }) {
    const message = this.messages.get(original);
    const body = message?.querySelector(".body");
    if (!body) return;
    body.textContent = summary(content);
    if (!message.querySelector(".edited")) message.querySelector(".meta").prepend(make("span", "edited", "disunting"));
  }

  revoked({ original }) {
    const message = this.messages.get(original);
    if (!message) return;
    message.querySelector(".more")?.remove();
    message.classList.add("gone");
    message.querySelector(".bubble").replaceChildren(make("span", "body", "Pesan ini dihapus"));
  }

  /** Moves a tick forward, never back. */
  tick(id, state) {
    const tick = this.ticks.get(id);
    if (!tick || RANK.indexOf(state) <= RANK.indexOf(tick.state)) return;
    tick.state = state;
    const [symbol, name] = TICKS[state];
    tick.place.replaceChildren(icon(symbol, `tick ${state}`), make("span", "hidden", name));
  }

  /** Reading one message is reading all before it. */
  read(id) {
    for (const known of this.ticks.keys()) {
      this.tick(known, "read");
      if (known === id) return;
    }
  }

  // --- the service ---------------------------------------------------------------------------------

  replied(event) {
    const form = event.form;
    if (form.form === "reaction") return this.reacted(form.to, form.emoji);
    const bubble = make("div", "bubble", this.quoted(event), ...this.replyBody(form));
    if (form.footer) bubble.append(make("p", "foot", form.footer));
    bubble.append(this.meta(event), this.more(event.id, false));
    return this.add(event, "theirs", "Layanan", bubble, this.options(form, event.id));
  }

  replyBody(form) {
    switch (form.form) {
      case "document": return [this.file(form), form.caption && make("span", "body", form.caption)];
      case "text":
      case "buttons":
      case "list":
      case "action": return [form.header && make("p", "head", form.header), make("span", "body", form.body)];
      default: {
        const kind = form.form === "media" ? form.what : form.form;
        const [symbol, name] = OBJECTS[kind] ?? OBJECTS.unsupported;
        const words = form.caption ?? form.parameters?.join(" · ") ?? form.names?.join(", ") ?? form.name ?? name;
        return [this.object(symbol, words)];
      }
    }
  }

  object(symbol, words) {
    return make("div", "object", make("span", "glyph", icon(symbol)), make("span", "body", words));
  }

  file(form) {
    const words = make("span", "", make("b", "", form.file_name), make("small", "", "PDF · ketuk untuk membuka"));
    const link = make("a", "file", icon("i-pdf"), words);
    if (form.media) {
      link.href = `/page/files/${form.media}/${encodeURIComponent(form.file_name)}`;
      link.target = "_blank";
      link.rel = "noopener";
    }
    return link;
  }

  options(form, of) {
    const options = make("div", "options");
    const button = (symbol, title, act) => {
      const element = make("button", "", symbol && icon(symbol), title);
      element.type = "button";
      element.addEventListener("click", act);
      options.append(element);
    };
    for (const { id, title } of form.buttons ?? []) {
      button("i-reply", title, () => this.choose({ type: "button", of, id, title }));
    }
    if (form.form === "list") button("i-list", form.open, () => this.open(form, of));
    if (form.form === "action") {
      const link = make("a", "", form.label);
      if (form.url) Object.assign(link, { href: form.url, target: "_blank", rel: "noopener noreferrer" });
      options.append(link);
    }
    return options.childElementCount > 0 ? options : null;
  }

  typing(on) {
    if (on) {
      this.log.append(this.dots);
      this.toEnd();
    } else {
      this.dots.remove();
    }
  }

  // --- both ----------------------------------------------------------------------------------------

  reacted(to, emoji) {
    const message = this.messages.get(to);
    message?.reaction?.remove();
    if (!message || !emoji) return;
    message.reaction = make("div", "reaction", emoji);
    message.after(message.reaction);
  }

  more(id, own) {
    const button = make("button", "more", icon("i-more"));
    button.type = "button";
    button.dataset.message = id;
    button.setAttribute("aria-label", "Tindakan pesan");
    button.setAttribute("aria-haspopup", "menu");
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => this.act(button, own));
    return button;
  }

  textOf(id) {
    return this.messages.get(id)?.querySelector(".body")?.textContent ?? "";
  }

  quoted({ quotes, content }) {
    const original = quotes && content?.type !== "button" && content?.type !== "row" && this.messages.get(quotes);
    if (!original) return null;
    return make("div", "quote", this.textOf(quotes) || "pesan");
  }

  meta(event, tick) {
    const time = make("time", "", timeOf(event));
    time.dateTime = new Date(event.at_ms).toISOString();
    return make("span", "meta", time, tick);
  }

  add(event, side, speaker, bubble, options) {
    bubble.querySelector(".meta").previousElementSibling.classList.add("before-meta");
    if (this.isEmpty) this.log.replaceChildren(make("p", "day", "Hari ini"));
    const message = make("article", `message ${side}`, make("span", "hidden", `${speaker}: `), bubble, options);
    if (side !== this.side) message.classList.add("turn");
    this.side = side;
    if (Date.now() - event.at_ms < 2_000) message.classList.add("fresh");
    this.messages.set(event.id, message);
    if (this.dots.isConnected) this.dots.before(message);
    else this.log.append(message);
    this.toEnd();
  }
}
