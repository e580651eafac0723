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

/** Sends a form once: a second click while the first is on its way is nothing. */
for (const form of document.forms) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });
}

/** Hands an answer over to the application that waits for it. */
/** @type {HTMLFormElement | null} */ (document.querySelector("form[data-auto]"))?.submit();
