// The mailbox: the mails of both ways, one mail read, one mail written as a customer.

import { act, chosenFiles, get, toast } from "./acts.js";

const MOMENT = new Intl.DateTimeFormat("fr-FR", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: "Europe/Paris" });

export class Mailbox {
  constructor(pane, { unread }) {
    this.pane = pane;
    this.unread = unread;
    this.known = null; // how many mails there were
    this.letter = null; // the one that is read
    this.views = [...pane.querySelectorAll("[data-view]")];
    this.form = pane.querySelector("form[data-view=write]");
    this.files = chosenFiles(this.form.querySelector("input[type=file]"), this.form.querySelector(".chosen"), this.form);
    this.form.addEventListener("submit", (event) => this.send(event));
    pane.addEventListener("click", (event) => this.clicked(event));
  }

  async count(mails) {
    if (mails === this.known) return;
    const more = this.known === null ? 0 : mails - this.known;
    this.known = mails;
    const letters = await get("/mails");
    this.show(letters);
    if (more > 0) {
      this.unread(more);
      const [last] = letters;
      toast(`Mail ${last.ours ? `pour ${last.to}` : `de ${last.from}`} : ${last.subject}`);
    }
  }

  show(letters) {
    const list = this.pane.querySelector(".letters");
    const held = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.pane.querySelector(".empty").hidden = letters.length > 0;
    list.replaceChildren(
      ...letters.map((letter) => {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.key = letter.key;
        const parts = {
          way: letter.ours ? "Envoyé" : "Reçu",
          subject: letter.subject || "(sans objet)",
          other: letter.ours ? `à ${letter.to}` : `de ${letter.from}`,
          at: MOMENT.format(new Date(letter.at)) + (letter.files ? ` · ${letter.files} pièce${letter.files > 1 ? "s" : ""}` : ""),
        };
        for (const [name, words] of Object.entries(parts)) {
          const part = document.createElement("span");
          part.className = name === "way" ? `way ${letter.ours ? "out" : "in"}` : name;
          part.textContent = words;
          button.append(part, " ");
        }
        const item = document.createElement("li");
        item.append(button);
        return item;
      }),
    );
    if (held) list.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
  }

  turnTo(view) {
    for (const one of this.views) one.hidden = one.dataset.view !== view;
    const title = this.pane.querySelector(`[data-view=${view}] h3`);
    if (title) title.focus();
  }

  async clicked(event) {
    const letter = event.target.closest("[data-key]");
    if (letter) return this.read(letter.dataset.key);
    const form = event.target.closest("[data-form]");
    if (form) return this.showBody(form.dataset.form);
    switch (event.target.closest("[data-mail]")?.dataset.mail) {
      case "list": {
        this.turnTo("list");
        const back = this.letter && this.pane.querySelector(`[data-key="${CSS.escape(this.letter.key)}"]`);
        return (back || this.pane.querySelector("[data-mail=write]")).focus();
      }
      case "write":
        this.form.reset();
        this.form.elements.answers.value = "";
        this.files.clear();
        return this.turnTo("write");
      case "answer":
        return this.answer();
      case "sample":
        return this.addSample();
    }
  }

  async read(key) {
    const letter = await get(`/mails/${key}`);
    this.letter = letter;
    this.pane.querySelector("[data-view=read] h3").textContent = letter.subject || "(sans objet)";
    const list = this.pane.querySelector("dl");
    list.replaceChildren();
    for (const [name, words] of [["De", letter.from], ["À", letter.to], ["Date", MOMENT.format(new Date(letter.at))]]) {
      const term = document.createElement("dt");
      const value = document.createElement("dd");
      term.textContent = name;
      value.textContent = words;
      list.append(term, value);
    }
    const files = this.pane.querySelector(".attachments");
    files.hidden = letter.attachments.length === 0;
    files.replaceChildren(
      ...letter.attachments.map((file, number) => {
        const item = document.createElement("li");
        const link = document.createElement("a");
        Object.assign(link, { href: `/mails/${key}/files/${number}`, target: "_blank", rel: "noopener", textContent: file.name });
        item.append(link, ` ${Math.max(1, Math.round(file.size / 1000))} ko`);
        return item;
      }),
    );
    this.pane.querySelector("[data-mail=answer]").hidden = !letter.ours;
    this.pane.querySelector("[data-form]").parentElement.hidden = !letter.html;
    this.showBody(letter.html ? "html" : "text");
    this.turnTo("read");
  }

  showBody(form) {
    for (const one of this.pane.querySelectorAll("[data-form]")) one.setAttribute("aria-pressed", String(one.dataset.form === form));
    const body = this.pane.querySelector(".body");
    if (form === "html") {
      const frame = document.createElement("iframe");
      frame.setAttribute("sandbox", "");
      frame.title = "Le mail mis en forme";
      frame.src = `/mails/${this.letter.key}/page`;
      body.replaceChildren(frame);
    } else {
      const text = document.createElement("pre");
      text.textContent = this.letter.text;
      text.tabIndex = 0;
      body.replaceChildren(text);
    }
  }

  answer() {
    const fields = this.form.elements;
    this.form.reset();
    this.files.clear();
    fields.answers.value = this.letter.key;
    const sender = [...fields.sender.options].find((option) => this.letter.to.includes(option.value));
    if (sender) fields.sender.value = sender.value;
    fields.subject.value = /^re ?:/i.test(this.letter.subject) ? this.letter.subject : `Re: ${this.letter.subject}`;
    fields.words.value = "";
    this.turnTo("write");
    fields.words.focus();
  }

  async addSample() {
    const answer = await fetch("/sample.pdf");
    if (!answer.ok) return toast("Le bon de commande n'a pas pu être imprimé.", "bad");
    const name = decodeURIComponent(answer.headers.get("content-disposition").split("''")[1]);
    this.files.add([new File([await answer.blob()], name, { type: "application/pdf" })]);
  }

  async send(event) {
    event.preventDefault();
    const body = new FormData(this.form);
    this.files.all().forEach((file) => body.append("file", file));
    if (!(await act("/mails", body))) return;
    this.files.clear();
    toast("Le mail est parti.", "good");
    this.letter = null;
    this.turnTo("list");
    this.pane.querySelector("[data-mail=write]").focus();
  }
}
