// @ts-check
// What makes a page more comfortable. Every page works without it.

/** Shows and hides what is typed into a password field. */
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-reveal]"))) {
  const input = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.reveal ?? ""));
  const show = (/** @type {boolean} */ shown) => {
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.hidden = false;
  button.addEventListener("click", () => show(input.type === "password"));
  // A password in a text field might be remembered as text.
  input.form?.addEventListener("submit", () => show(false));
}

/** Copies a setup key. */
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-copy]"))) {
  if (!navigator.clipboard) continue;
  const text = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy ?? "");
    button.textContent = button.dataset.copied ?? text;
    setTimeout(() => { button.textContent = text; }, 2000);
  });
}

/** Keeps codes in a file. */
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-download]"))) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([button.dataset.download ?? ""], { type: "text/plain" }));
    link.download = button.dataset.file ?? "";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-print]"))) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

/** Tells times in the zone that the person is in. */
const { lang } = document.documentElement;
const here = navigator.languages.find((tag) => tag.split("-")[0] === lang.split("-")[0]) ?? lang;
const zoned = new Intl.DateTimeFormat(here, { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
for (const time of document.querySelectorAll("time")) time.textContent = zoned.format(new Date(time.dateTime));

/** Speaks up when the page will not wait much longer, and when it has waited too long. */
for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-ends]"))) {
  const end = Date.now() + Number(form.dataset.ends) * 1000;
  const [text, button, link] = /** @type {HTMLElement[]} */ ([...form.children]);
  const say = (/** @type {string | undefined} */ words) => {
    form.hidden = false;
    form.dataset.shown = "";
    if (text.textContent !== words) text.textContent = words ?? "";
  };
  const look = () => {
    const left = end - Date.now();
    if (left > 180_000) return;
    say(left > 0 ? form.dataset.soon : form.dataset.over);
    button.hidden = left <= 0;
    link.hidden = left > 0;
  };
  form.hidden = true;
  look();
  setInterval(look, 5000);
}

/** Sends a form once: a second click while the first is on its way is nothing. */
for (const form of document.forms) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (sent) event.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });
}

/** Hands an answer over to the application that waits for it. */
/** @type {HTMLFormElement | null} */ (document.querySelector("form[data-auto]"))?.submit();
