// The playground's page: chats, guide and clock follow what the server tells at /news; the mailbox is in mailbox.js.
// Nothing a person or the desk wrote is ever parsed into this document: it is copied node by node from a list of tags.

import { Mailbox } from "./mailbox.js";
import { act, chosenFiles, get, toast } from "./acts.js";

const WIDE = window.matchMedia("(min-width: 62rem)");
const TAGS = new Set(["B", "I", "U", "S", "CODE", "PRE", "BLOCKQUOTE"]);
const HOUR = new Intl.DateTimeFormat("fr-FR", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Paris" });
const DAY = new Intl.DateTimeFormat("fr-FR", { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "Europe/Paris" });

// -- formatted text ---------------------------------------------------------------------------------------------------

function formatted(html) {
  const read = new DOMParser().parseFromString(html, "text/html").body; // inert: nothing in it loads or runs
  const out = document.createDocumentFragment();
  copy(read, out);
  return out;
}

function copy(from, into) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) {
      into.append(node.data);
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      const kept = TAGS.has(node.tagName) ? document.createElement(node.tagName) : link(node);
      if (kept) into.append(kept);
      copy(node, kept ?? into);
    }
  }
}

function link(node) {
  if (node.tagName !== "A" || !/^(https?:|mailto:|tel:)/.test(node.getAttribute("href") ?? "")) return null;
  const made = document.createElement("a");
  Object.assign(made, { href: node.getAttribute("href"), target: "_blank", rel: "noopener noreferrer" });
  return made;
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// -- a chat -----------------------------------------------------------------------------------------------------------

class Chat {
  constructor(pane) {
    this.pane = pane;
    this.key = pane.dataset.chat;
    this.log = pane.querySelector(".log");
    this.form = pane.querySelector(".composer");
    this.text = this.form.querySelector("textarea");
    this.context = this.form.querySelector(".context");
    this.files = chosenFiles(this.form.querySelector("input[type=file]"), this.form.querySelector(".chosen"), this.pane);
    this.shown = new Map(); // message id → { seq, article }
    this.target = null; // { kind: "reply" | "edit", id }
    this.loading = false;
    this.stale = false;
    this.follows = true; // the end of the log, until somebody scrolls away from it
    this.height = 0;
    this.form.addEventListener("submit", (event) => this.send(event));
    this.form.querySelector("[data-forget]").addEventListener("click", () => this.forget(true));
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.form.requestSubmit();
      }
    });
    this.log.addEventListener("click", (event) => this.clicked(event));
    this.log.addEventListener("load", () => this.stay(), true); // a picture that arrives makes the log longer
    this.log.addEventListener("scroll", () => {
      if (this.log.clientHeight === this.height) this.follows = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80;
    });
    new ResizeObserver(() => this.stay()).observe(this.log);
    this.commands = this.form.querySelector(".commands");
    this.commands.addEventListener("toggle", () => this.commands.open && this.listCommands());
    this.commands.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.commands.open = false;
        this.commands.querySelector("summary").focus();
      }
    });
  }

  async load() {
    this.stale = true;
    if (this.loading) return;
    this.loading = true;
    try {
      while (this.stale) {
        this.stale = false;
        this.show(await get(`/chats/${this.key}`));
      }
    } finally {
      this.loading = false;
    }
  }

  show(messages) {
    const first = this.shown.size === 0;
    const here = new Set(messages.map((message) => message.id));
    let news = 0;
    for (const [id, old] of this.shown) {
      if (!here.has(id)) {
        old.article.remove();
        this.shown.delete(id);
      }
    }
    for (const message of messages) {
      const old = this.shown.get(message.id);
      if (old && old.seq === message.seq) continue;
      if (!message.mine) news += 1;
      if (old) {
        this.repaint(old.article, message);
      } else {
        this.log.append(this.paint(element("article"), message));
        if (message.asks && !first && this.target === null && !this.text.value) this.aim("reply", message);
      }
      this.shown.set(message.id, { seq: message.seq, article: document.getElementById(`${this.key}-${message.id}`), message });
    }
    this.stay();
    if (news && !first) unread(this.key, news);
  }

  stay() {
    this.height = this.log.clientHeight;
    if (this.follows) this.log.scrollTop = this.log.scrollHeight;
  }

  repaint(article, message) {
    const held = article.contains(document.activeElement) ? document.activeElement : null;
    const label = held?.textContent;
    article.replaceChildren();
    this.paint(article, message);
    if (held) {
      const same = [...article.querySelectorAll(".keys button")].find((button) => button.textContent === label);
      (same ?? article.querySelector(".keys button") ?? article).focus();
    }
    article.classList.remove("changed");
    requestAnimationFrame(() => article.classList.add("changed"));
  }

  paint(article, message) {
    article.id = `${this.key}-${message.id}`;
    article.tabIndex = -1;
    article.className = message.mine ? "message mine" : "message";
    const who = message.mine ? "Vous" : message.who === "bot" ? "Comptoir" : message.who;
    article.append(element("p", { className: "who" }, who));
    if (message.reply_to) article.append(this.quoted(message.reply_to));
    if (message.file) article.append(this.file(message));
    if (message.html) {
      const text = element("div", { className: "text" });
      text.append(formatted(message.html));
      article.append(text);
    } else if (!message.file) {
      article.append(element("div", { className: "text" }, `[${message.kind}]`));
    }
    const foot = element("p", { className: "foot" });
    const at = element("time", { dateTime: message.at }, HOUR.format(new Date(message.at)));
    foot.append(at, message.edited ? " · modifié" : "");
    const words = message.text.split("\n")[0].slice(0, 40) || message.file?.name || "";
    if (message.mine && message.kind === "text") foot.append(this.small("edit", message, "Modifier", words));
    foot.append(this.small("reply", message, "Répondre", words));
    article.append(foot);
    if (message.buttons.length) article.append(this.keys(message));
    return article;
  }

  small(act, message, label, words) {
    const button = element("button", { type: "button", className: "plain small" }, label, element("span", { className: "unseen" }, ` à «\u00a0${words}\u00a0»`));
    Object.assign(button.dataset, { act, message: message.id });
    return button;
  }

  quoted(id) {
    const message = this.shown.get(id)?.message;
    const words = message ? message.text.split("\n")[0] || message.file?.name || "…" : "un message effacé";
    return element("p", { className: "quoted" }, words);
  }

  file(message) {
    const address = `/files/${this.key}/${message.id}`;
    const open = element("a", { href: address, target: "_blank", rel: "noopener", className: "file" });
    if (message.file.picture) {
      open.append(element("img", { src: address, alt: `Image ${message.file.name}, ouvrir en grand`, loading: "lazy" }));
    } else {
      if (message.file.pdf) {
        const page = element("img", { src: `${address}/preview.png`, alt: "", className: "page" });
        page.addEventListener("error", () => page.remove());
        open.append(page);
      }
      const size = message.file.size >= 1000 ? `${Math.round(message.file.size / 1000)} ko` : `${message.file.size} octets`;
      open.append(element("span", { className: "name" }, message.file.name), element("span", { className: "size" }, `${size}${message.file.pdf ? " · ouvrir" : ""}`));
    }
    return open;
  }

  keys(message) {
    const keys = element("div", { className: "keys" });
    keys.setAttribute("role", "group");
    keys.setAttribute("aria-label", "Boutons du message");
    for (const row of message.buttons) {
      const line = element("div", { className: "row" });
      for (const { label, data } of row) {
        const button = element("button", { type: "button" }, label);
        button.disabled = data === null;
        Object.assign(button.dataset, { act: "press", message: message.id, data: data ?? "" });
        line.append(button);
      }
      keys.append(line);
    }
    return keys;
  }

  async clicked(event) {
    const button = event.target.closest("button[data-act]");
    if (!button) return;
    const id = Number(button.dataset.message);
    if (button.dataset.act !== "press") return this.aim(button.dataset.act, this.shown.get(id).message, true);
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    await act(`/chats/${this.key}/press`, { message: id, data: button.dataset.data, label: button.textContent });
    setTimeout(() => button.removeAttribute("aria-busy"), 3000);
  }

  answered(message) {
    document.getElementById(`${this.key}-${message}`)?.querySelectorAll("[aria-busy]").forEach((one) => one.removeAttribute("aria-busy"));
  }

  aim(kind, message, focus = false) {
    this.target = { kind, id: message.id };
    const words = message.text.split("\n")[0].slice(0, 60) || message.file?.name || "";
    this.context.querySelector("span").textContent = `${kind === "edit" ? "Vous modifiez" : "En réponse à"}\u00a0: ${words}`;
    this.context.hidden = false;
    if (kind === "edit") this.text.value = message.text;
    if (focus) this.text.focus();
  }

  forget(focus = false) {
    if (this.target?.kind === "edit") this.text.value = "";
    this.target = null;
    this.context.hidden = true;
    if (focus) this.text.focus();
  }

  async send(event) {
    event.preventDefault();
    const text = this.text.value.trim();
    const { kind, id } = this.target ?? {};
    const files = this.files.all();
    let done = false;
    if (files.length) {
      const body = new FormData();
      files.forEach((file) => body.append("file", file));
      body.append("caption", text);
      if (kind === "reply") body.append("reply_to", id);
      done = await act(`/chats/${this.key}/files`, body);
    } else if (text && kind === "edit") {
      done = await act(`/chats/${this.key}/edit`, { message: id, text });
    } else if (text) {
      done = await act(`/chats/${this.key}/say`, { text, reply_to: id ?? null });
    }
    if (!done) return;
    this.files.clear();
    this.text.value = "";
    this.forget();
    this.follows = true;
    this.stay();
  }

  async listCommands() {
    const list = this.commands.querySelector("ul");
    const commands = await get(`/chats/${this.key}/commands`);
    list.replaceChildren(
      ...commands.map(({ command, description }) => {
        const button = element("button", { type: "button", className: "plain" }, element("b", {}, `/${command}`), ` ${description}`);
        button.addEventListener("click", () => {
          this.commands.open = false;
          this.fill(`/${command} `);
        });
        return element("li", {}, button);
      }),
    );
  }

  fill(words) {
    this.text.value = words;
    this.text.focus();
    this.text.setSelectionRange(words.length, words.length);
  }
}

// -- panes ------------------------------------------------------------------------------------------------------------

function goTo(key, { focus = true } = {}) {
  const pane = document.getElementById(key);
  if (!pane) return;
  if (pane.classList.contains("pane")) {
    document.body.dataset.pane = key;
    for (const link of document.querySelectorAll("nav.panes a")) {
      if (link.dataset.pane === key) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    seen(key);
  }
  if (WIDE.matches || !pane.classList.contains("pane")) pane.scrollIntoView({ block: "nearest", inline: "nearest" });
  else window.scrollTo(0, 0);
  if (focus) pane.focus({ preventScroll: true });
  chats.get(key)?.stay();
}

function unread(key, count) {
  if (WIDE.matches || document.body.dataset.pane === key) return;
  const badge = document.querySelector(`nav.panes a[data-pane="${key}"] .badge`);
  const total = Number(badge.dataset.count ?? 0) + count;
  badge.dataset.count = total;
  badge.replaceChildren(String(total), element("span", { className: "unseen" }, total > 1 ? " nouveaux" : " nouveau"));
  badge.hidden = false;
}

function seen(key) {
  const badge = document.querySelector(`nav.panes a[data-pane="${key}"] .badge`);
  if (!badge) return;
  badge.hidden = true;
  badge.dataset.count = 0;
}

// -- guide and clock --------------------------------------------------------------------------------------------------

let done = null;
let toPay = {};

function showGuide(now) {
  const items = [...document.querySelectorAll("[data-step-key]")];
  let next = null;
  for (const item of items) {
    const state = now.includes(item.dataset.stepKey) ? "done" : next ? "todo" : "next";
    if (state === "next") next = item;
    if (item.dataset.state !== state) {
      item.dataset.state = state;
      item.querySelector(".state").textContent = { done: "fait", todo: "à faire", next: "maintenant" }[state];
    }
    if (state === "next") item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  document.getElementById("progress").value = now.length;
  document.getElementById("progress-text").textContent = `${now.length} sur ${items.length}`;
  if (done) {
    for (const key of now.filter((one) => !done.includes(one))) {
      toast(`Fait\u00a0: ${document.querySelector(`[data-step-key="${key}"] .words`).textContent}`, "good");
    }
  }
  done = now;
}

function example(words) {
  return words.replace("{number}", toPay.number ?? "FA-…").replace("{amount}", toPay.amount ?? "montant");
}

let ahead = 0; // the sandbox's time less ours, in milliseconds

function showTime() {
  const now = new Date(Date.now() + ahead);
  const time = document.getElementById("now");
  const words = `${DAY.format(now)}, ${HOUR.format(now).replace(":", " h ").replace(/^0/, "")}`;
  if (time.textContent !== words) Object.assign(time, { textContent: words, dateTime: now.toISOString() });
}

function setTime(iso) {
  ahead = new Date(iso) - Date.now();
  showTime();
}

for (const button of document.querySelectorAll("[data-step]")) {
  button.addEventListener("click", async () => {
    const buttons = document.querySelectorAll("[data-step]");
    if (button.getAttribute("aria-busy") === "true") return;
    buttons.forEach((one) => one.setAttribute("aria-busy", "true"));
    if (await act("/clock", { step: button.dataset.step })) toast("L'horloge a avancé.");
    buttons.forEach((one) => one.removeAttribute("aria-busy"));
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("nav.panes a, .skip");
  if (link) {
    event.preventDefault();
    goTo(link.dataset.pane ?? document.body.dataset.pane);
  }
  const go = event.target.closest("[data-go]");
  if (go) goTo(go.dataset.go);
  const fill = event.target.closest("[data-fill]");
  if (fill) {
    goTo(fill.dataset.fill, { focus: false });
    chats.get(fill.dataset.fill).fill(example(fill.dataset.example));
  }
});

// -- news -------------------------------------------------------------------------------------------------------------

const chats = new Map([...document.querySelectorAll("[data-chat]")].map((pane) => [pane.dataset.chat, new Chat(pane)]));
const mailbox = new Mailbox(document.getElementById("mail"), { unread: (count) => unread("mail", count) });
const lost = document.getElementById("lost");
const news = new EventSource("/news");

news.addEventListener("message", (event) => {
  const told = JSON.parse(event.data);
  setTime(told.now);
  toPay = told.to_pay;
  told.chats.forEach((key) => chats.get(key).load());
  mailbox.count(told.mails);
  showGuide(told.done);
  for (const one of told.toasts) {
    chats.get(one.who)?.answered(one.message);
    if (one.text && one.alert) say(one.text);
    else if (one.text) toast(one.text);
  }
});
news.addEventListener("time", (event) => setTime(JSON.parse(event.data)));
news.addEventListener("open", () => {
  lost.hidden = true;
});
news.addEventListener("error", () => {
  lost.textContent = "Le bac à sable ne répond plus. S'il a été fermé, relancez «\u00a0make play\u00a0» et rechargez la page.";
  lost.hidden = false;
});
setInterval(showTime, 1000);

function say(words) {
  const dialog = document.getElementById("alert");
  document.getElementById("alert-text").textContent = words;
  if (!dialog.open) dialog.showModal();
}

const wanted = document.getElementById(location.hash.slice(1));
goTo(wanted?.classList.contains("pane") ? wanted.id : WIDE.matches ? "customer" : "guide", { focus: false });
