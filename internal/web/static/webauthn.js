// @ts-check
// Asks the browser's authenticators (WebAuthn Level 3) and fills what they
// answer into the form of their prompt, which is then sent like any other.
// Where this cannot run, the page says so and its other ways stay.

/** @typedef {Record<string, any>} Json */

const kept = "ia-credential"; // of the last answer, while the page changes
const patience = 6_000; // ms for what happens without a question
const freshFor = 90_000; // ms after which options are asked for anew (W-25)
const supported = typeof PublicKeyCredential === "function" && Boolean(navigator.credentials);

/** @param {string} text base64url @returns {Uint8Array<ArrayBuffer>} */
function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}

/** @param {ArrayBuffer | null | undefined} buffer @returns {string | undefined} base64url */
function base64url(buffer) {
  if (!buffer) return undefined;
  let plain = "";
  for (const b of new Uint8Array(buffer)) plain += String.fromCharCode(b);
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {Json[]} [list] */
const descriptors = (list = []) => list.map((d) => ({ ...d, id: bytes(d.id) }));

/** @param {Json} json @returns {any} */
function requestOptions(json) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(/** @type {any} */ (json));
  return { ...json, challenge: bytes(json.challenge), allowCredentials: descriptors(json.allowCredentials) };
}

/** @param {Json} json @returns {any} */
function creationOptions(json) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(/** @type {any} */ (json));
  return {
    ...json, challenge: bytes(json.challenge), user: { ...json.user, id: bytes(json.user.id) },
    excludeCredentials: descriptors(json.excludeCredentials),
  };
}

/** Some that stand in for an authenticator have no toJSON, or one that throws. @param {any} credential @returns {Json} */
function credentialJSON(credential) {
  try {
    return credential.toJSON();
  } catch {
    const { response } = credential;
    const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    return {
      id: credential.id, rawId: base64url(credential.rawId), type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
      clientExtensionResults: credential.getClientExtensionResults(),
      response: {
        ...Object.fromEntries(parts.filter((name) => response[name]).map((name) => [name, base64url(response[name])])),
        ...(response.getTransports ? { transports: response.getTransports() } : {}),
      },
    };
  }
}

/** Remembers which credential answered, if the browser remembers at all. @param {string} [id] @returns {string | null} */
function remembered(id) {
  try {
    const before = sessionStorage.getItem(kept);
    if (id) sessionStorage.setItem(kept, id);
    else sessionStorage.removeItem(kept);
    return before;
  } catch {
    return null;
  }
}

/** @type {Ceremony | undefined} the one that the browser is at; it does one at a time */
let running;

class Ceremony {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.verb = form.dataset.ceremony;
    this.conditional = form.dataset.mediation === "conditional";
    this.words = JSON.parse(form.dataset.words || "{}");
    this.options = this.unwrap(JSON.parse(form.dataset.options || "{}"));
    this.at = performance.now();
    this.button = /** @type {HTMLButtonElement} */ (form.querySelector("[data-start]"));
    /** @type {AbortController | undefined} */
    this.abort = undefined;
  }

  /** @param {Json} options */
  unwrap(options) {
    return options.publicKey ?? options;
  }

  /** @param {string} name */
  input(name) {
    return /** @type {HTMLInputElement} */ (this.form.elements.namedItem(name));
  }

  /** Says what went wrong, or nothing. @param {string} [name] of the error */
  say(name) {
    const place = /** @type {HTMLElement} */ (this.form.querySelector("[data-wrong]"));
    const text = /** @type {HTMLElement} */ (place.querySelector("span"));
    // Emptied first, so that the same words said twice are announced twice.
    text.textContent = "";
    place.hidden = name === undefined;
    if (name !== undefined) text.textContent = this.words[name] ?? this.words[""];
  }

  /** @param {boolean} on */
  wait(on) {
    const place = /** @type {HTMLElement} */ (this.form.querySelector("[data-waiting]"));
    place.textContent = on ? this.words.waiting : "";
    this.button.setAttribute("aria-disabled", String(on));
  }

  /** One call of the browser; resolves to what is to be posted. @param {"conditional" | undefined} mediation */
  async ask(mediation) {
    running?.abort?.abort();
    running = this;
    this.abort = new AbortController();
    const options = { signal: this.abort.signal, ...(mediation ? { mediation } : {}) };
    const credential = this.verb === "create"
      ? await navigator.credentials.create(/** @type {any} */ ({ ...options, publicKey: creationOptions(this.options) }))
      : await navigator.credentials.get(/** @type {any} */ ({ ...options, publicKey: requestOptions(this.options) }));
    if (!credential) throw new DOMException("nothing was chosen", "NotAllowedError");
    return credentialJSON(credential);
  }

  /** @param {Json} credential */
  send(credential) {
    remembered(credential.id);
    this.input("publicKey").value = JSON.stringify(credential);
    this.form.submit();
  }

  /** The person pressed the button. */
  async press() {
    if (this.button.getAttribute("aria-disabled") === "true") return;
    this.say();
    this.wait(true);
    try {
      this.send(await this.ask(undefined));
    } catch (error) {
      this.wait(false);
      const { name } = /** @type {Error} */ (error);
      if (name !== "AbortError") this.say(name);
      if (this.conditional) void this.autofill();
    }
  }

  /** Offers what the browser holds where the name is typed (W-25). */
  async autofill() {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    try {
      this.send(await this.ask("conditional"));
    } catch {
      // Whoever wants to know what is wrong presses the button.
    }
  }

  /** Makes a passkey without a question, where the browser may (W-26); else it is put off. */
  async upgrade() {
    this.button.hidden = true;
    this.wait(true);
    setTimeout(() => this.abort?.abort(), patience);
    try {
      this.send(await this.ask("conditional"));
    } catch {
      const skip = document.createElement("input");
      Object.assign(skip, { type: "hidden", name: "action", value: "skip" });
      this.input("publicKey").remove();
      this.form.append(skip);
      this.form.submit();
    }
  }

  /** Takes new options before the old ones are over. */
  async refresh() {
    if (performance.now() - this.at < freshFor || this.button.getAttribute("aria-disabled") === "true") return;
    this.at = performance.now();
    const answer = await fetch(this.form.getAttribute("action") ?? "", { headers: { accept: "application/json" } }).catch(() => undefined);
    if (!answer?.ok) return;
    const { prompts } = await answer.json();
    const creates = this.verb === "create";
    const fresh = prompts.find((/** @type {Json} */ p) =>
      p.input === "publickey" && !p.offer && Boolean(p.enrolling) === creates && (p.mediation === "conditional") === this.conditional);
    if (!fresh) return;
    const options = this.unwrap(fresh.publicKey);
    const same = options.challenge === this.options.challenge;
    this.options = options;
    this.input("prompt").value = fresh.id;
    if (!same && this.conditional && running === this) void this.autofill();
  }

  begin() {
    this.button.hidden = false;
    for (const note of this.form.querySelectorAll(".scriptless")) /** @type {HTMLElement} */ (note).hidden = true;
    if (!supported) {
      this.button.setAttribute("aria-disabled", "true");
      this.button.hidden = true;
      if (this.conditional && this.verb === "create") void this.upgrade();
      else if (!this.conditional) this.say("absent");
      return;
    }
    if (this.button.autofocus) this.button.focus();
    this.button.addEventListener("click", () => void this.press());
    if (this.conditional && this.verb === "create") {
      void this.upgrade();
      return;
    }
    if (this.conditional) {
      void this.autofill();
      addEventListener("pageshow", (event) => { if (event.persisted) void this.autofill(); });
    }
    setInterval(() => { if (!document.hidden) void this.refresh(); }, 15_000);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) void this.refresh(); });
  }
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-ceremony]"))) {
  new Ceremony(form).begin();
}

/** Tells with a password whether a passkey can be made without a question. */
for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-upgrade]"))) {
  const capabilities = /** @type {any} */ (globalThis.PublicKeyCredential)?.getClientCapabilities?.();
  capabilities?.then((/** @type {Json} */ can) => { input.disabled = !can.conditionalCreate; }, () => {});
}

/**
 * Lets the browser know which passkeys are still good (5.1.10). It may do nothing
 * with it, and says nothing about it.
 * @param {string} method @param {Json} what
 */
function signal(method, what) {
  const call = /** @type {any} */ (globalThis.PublicKeyCredential)?.[method];
  call?.call(PublicKeyCredential, what)?.catch?.(() => {});
}

const main = document.querySelector("main");
const last = remembered();
if (main?.dataset.failed === "passkey_unknown" && last) {
  signal("signalUnknownCredential", { rpId: main.dataset.rp, credentialId: last });
}
for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-signals]"))) {
  const { rpId, userId, allAcceptedCredentialIds, name, displayName } = JSON.parse(place.dataset.signals ?? "{}");
  signal("signalAllAcceptedCredentials", { rpId, userId, allAcceptedCredentialIds });
  signal("signalCurrentUserDetails", { rpId, userId, name, displayName });
}
