// What both the chats and the mailbox do: ask the server, say what it refused, hold the files that were chosen.

export async function get(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

// Whether it was done; a refusal is shown in the server's own words.
export async function act(address, body) {
  const asked = body instanceof FormData ? { body } : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  try {
    const answer = await fetch(address, { method: "POST", ...asked });
    if (answer.ok) return true;
    const told = await answer.json().catch(() => ({}));
    toast(told.error ?? "Le bac à sable a refusé. Rien n'a été envoyé\u00a0: recommencez.", "bad");
  } catch {
    toast("Le bac à sable ne répond pas. Rien n'a été envoyé\u00a0: recommencez.", "bad");
  }
  return false;
}

const SECONDS = 6;

export function toast(words, kind = "") {
  const shown = document.createElement("p");
  shown.textContent = words;
  shown.className = kind;
  const place = document.getElementById("toasts");
  place.append(shown);
  while (place.children.length > 3) place.firstChild.remove();
  setTimeout(() => shown.remove(), SECONDS * 1000);
}

// The files chosen in `input`, or dropped or pasted on `pane`, listed in `list` with a way to take each back.
export function chosenFiles(input, list, pane) {
  let files = [];
  const show = () => {
    list.hidden = files.length === 0;
    list.replaceChildren(
      ...files.map((file) => {
        const item = document.createElement("li");
        const away = document.createElement("button");
        Object.assign(away, { type: "button", className: "plain small", textContent: "Retirer" });
        away.setAttribute("aria-label", `Retirer ${file.name}`);
        away.addEventListener("click", () => {
          files = files.filter((one) => one !== file);
          show();
          input.focus();
        });
        item.append(file.name, " ", away);
        return item;
      }),
    );
  };
  const add = (more) => {
    files = [...files, ...more];
    show();
  };
  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });
  pane.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    pane.classList.add("drop");
  });
  pane.addEventListener("dragleave", (event) => {
    if (!pane.contains(event.relatedTarget)) pane.classList.remove("drop");
  });
  pane.addEventListener("drop", (event) => {
    event.preventDefault();
    pane.classList.remove("drop");
    add(event.dataTransfer.files);
  });
  pane.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) add(event.clipboardData.files);
  });
  return {
    add,
    all: () => files,
    clear: () => {
      files = [];
      show();
    },
  };
}
