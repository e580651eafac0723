// A person with a browser that has no JavaScript: a cookie jar, a reader of
// pages and a filler-in of forms, over plain HTTP.
import './localhost.mjs';
import http from 'node:http';
import assert from 'node:assert/strict';
import { parse } from 'node-html-parser';
import { code } from './totp.mjs';

/** Cookies as RFC 6265 keeps them: by host (not port), path and name. */
export class Jar {
  #kept = new Map();

  /** Everything that was ever set, attributes included, to be asserted on. */
  seen = [];

  take(url, headers) {
    for (const line of headers) {
      const [pair, ...rest] = line.split(';').map((part) => part.trim());
      const at = pair.indexOf('=');
      const cookie = { host: url.hostname, name: pair.slice(0, at), value: pair.slice(at + 1), attributes: {} };
      for (const attribute of rest) {
        const [name, ...value] = attribute.split('=');
        cookie.attributes[name.toLowerCase()] = value.length ? value.join('=') : true;
      }
      cookie.path = cookie.attributes.path ?? '/';
      this.seen.push(cookie);
      const key = `${cookie.host} ${cookie.path} ${cookie.name}`;
      const { 'max-age': age, expires } = cookie.attributes;
      const gone = age !== undefined ? Number(age) <= 0 : expires !== undefined && Date.parse(expires) <= Date.now();
      if (gone) this.#kept.delete(key);
      else this.#kept.set(key, cookie);
    }
  }

  header(url) {
    return [...this.#kept.values()]
      .filter((cookie) => cookie.host === url.hostname && url.pathname.startsWith(cookie.path))
      .map((cookie) => `${cookie.name}=${cookie.value}`)
      .join('; ');
  }

  list(hostname) {
    return [...this.#kept.values()].filter((cookie) => !hostname || cookie.host === hostname);
  }

  set(hostname, name, value) {
    this.#kept.set(`${hostname} / ${name}`, { host: hostname, path: '/', name, value, attributes: {} });
  }

  copy() {
    const other = new Jar();
    for (const { host, name, value } of this.#kept.values()) other.set(host, name, value);
    return other;
  }
}

/** One answer, read as a page where it is one. */
export class Page {
  constructor(url, response, body) {
    this.url = url;
    this.status = response.statusCode;
    this.headers = response.headers;
    this.location = response.headers.location ? new URL(response.headers.location, url) : undefined;
    this.body = body;
    this.root = parse(body);
  }

  get text() {
    const body = this.root.querySelector('body') ?? this.root;
    return body.structuredText.replace(/\s+/g, ' ').trim();
  }

  get title() {
    return this.root.querySelector('title')?.text.trim() ?? '';
  }

  get forms() {
    return this.root.querySelectorAll('form').map((form) => new Form(this, form));
  }

  /** The form that asks for text, by the autocomplete of its input if given. */
  form(autocomplete) {
    const wanted = this.forms.filter((form) => {
      const inputs = form.asked;
      return inputs.length > 0 && (!autocomplete || inputs.some((input) => tokens(input).includes(autocomplete)));
    });
    return wanted[0];
  }

  /** What the page asks for now: the autocomplete token of its first question. */
  get asks() {
    const input = this.form()?.asked[0];
    return input && (tokens(input)[0] ?? input.getAttribute('name'));
  }

  /** The secret of a TOTP enrolment, as shown to be typed into an app. */
  get secret() {
    const shown = this.text.match(/\b(?:[A-Z2-7]{4}[ \u00a0\u202f-]?){8,13}(?![A-Z2-7])/);
    return shown?.[0].replace(/[^A-Z2-7]/g, '');
  }

  /** A button or link by its words. */
  button(words) {
    for (const form of this.forms) {
      for (const button of form.buttons) if (words.test(button.text.trim())) return { form, button };
    }
    return undefined;
  }

  link(words) {
    const link = this.root.querySelectorAll('a').find((a) => words.test(a.text.trim()));
    return link && new URL(link.getAttribute('href'), this.url);
  }
}

const tokens = (input) => (input.getAttribute('autocomplete') ?? '').split(/\s+/).filter(Boolean);

export class Form {
  constructor(page, element) {
    this.page = page;
    this.element = element;
    this.method = (element.getAttribute('method') ?? 'get').toLowerCase();
    this.action = new URL(element.getAttribute('action') || page.url.href, page.url);
    this.enctype = element.getAttribute('enctype') ?? 'application/x-www-form-urlencoded';
  }

  get asked() {
    const typed = new Set(['text', 'email', 'password', 'tel', 'number']);
    return this.element
      .querySelectorAll('input')
      .filter((input) => typed.has((input.getAttribute('type') ?? 'text').toLowerCase()) && !input.hasAttribute('readonly'));
  }

  get buttons() {
    const id = this.element.getAttribute('id');
    const outside = id ? this.page.root.querySelectorAll(`button[form="${id}"]`) : [];
    return [...this.element.querySelectorAll('button'), ...outside];
  }

  /** Fields as a browser sends them: inputs, then the button that was pressed. */
  fields(values = {}, button = this.buttons[0]) {
    const fields = new URLSearchParams();
    for (const input of this.element.querySelectorAll('input')) {
      const name = input.getAttribute('name');
      const type = (input.getAttribute('type') ?? 'text').toLowerCase();
      if (!name || type === 'submit' || type === 'button' || input.hasAttribute('disabled')) continue;
      if ((type === 'checkbox' || type === 'radio') && !input.hasAttribute('checked')) continue;
      fields.append(name, values[name] ?? decode(input.getAttribute('value') ?? ''));
    }
    if (button?.getAttribute('name')) fields.append(button.getAttribute('name'), decode(button.getAttribute('value') ?? ''));
    return fields;
  }
}

const decode = (text) => parse(`<i>${text}</i>`).textContent;

export class Person {
  constructor({ email, password } = {}) {
    Object.assign(this, { email, password });
    this.jar = new Jar();
    this.trail = []; // every page seen, in order
  }

  /** Seconds since the epoch where the server is; a World's clock may be moved. */
  clock = () => Math.floor(Date.now() / 1000);

  /** One request; no redirect is followed. */
  async request(target, { method = 'GET', headers = {}, body } = {}) {
    const url = new URL(target);
    const cookie = this.jar.header(url);
    const { response, text } = await exchange(url, { method, headers: { ...(cookie && { cookie }), ...headers } }, body);
    this.jar.take(url, response.headers['set-cookie'] ?? []);
    const page = new Page(url, response, text);
    this.trail.push(page);
    return page;
  }

  /** Goes somewhere as a person would, through redirects of the same host. */
  async open(target) {
    let page = await this.request(target, { headers: navigation('none') });
    return this.follow(page);
  }

  /** Follows redirects until a page comes, or an address of another host. */
  async follow(page) {
    const home = page.url.host;
    for (let hops = 0; page.location; hops++) {
      assert.ok(hops < 10, `too many redirects: ${page.location}`);
      if (page.location.host !== home) return page;
      page = await this.request(page.location, { headers: navigation('same-origin') });
    }
    return page;
  }

  async submit(form, values = {}, button = undefined) {
    assert.ok(form, 'no such form');
    const fields = form.fields(values, button);
    const headers = { ...navigation('same-origin'), origin: form.page.url.origin };
    const page = await this.request(form.action, {
      method: form.method.toUpperCase(),
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: fields.toString(),
    });
    return this.follow(page);
  }

  /** Types into the one question of a page and presses its first button. */
  async type(page, text) {
    const form = page.form();
    assert.ok(form, `the page asks nothing: ${page.status} ${page.url}\n${page.text}`);
    return this.submit(form, { [form.asked[0].getAttribute('name')]: text });
  }

  async press(page, words) {
    const found = page.button(words);
    assert.ok(found, `no button ${words} on ${page.url}\n${page.text}`);
    return this.submit(found.form, {}, found.button);
  }

  /**
   * Answers whatever is asked until the flow leaves its host: identifier,
   * password, code, a new authenticator app. Returns the address it left for.
   */
  async finish(page) {
    for (let steps = 0; steps < 12; steps++) {
      const answer = leaving(page);
      if (answer) return answer;
      page = await this.answer(page);
    }
    throw new Error(`the flow does not end: ${page.url}\n${page.text}`);
  }

  /** Answers one page. */
  async answer(page) {
    const said = `${page.status} ${page.url}\n${page.text}`;
    assert.ok(page.status === 200 || page.status === 422, said);
    switch (page.asks) {
      case 'username':
      case 'email':
        return this.type(page, this.email);
      case 'current-password':
        return this.type(page, this.password);
      case 'one-time-code': {
        if (/code we sent you/i.test(page.text)) return this.type(page, await this.mailed(page));
        if (page.secret) this.secret = page.secret;
        assert.ok(this.secret, `a code is asked of a person without an authenticator\n${said}`);
        return this.type(page, code(this.secret, this.clock()));
      }
      default: {
        const begin = page.button(/authenticator|kept|continue|set up/i);
        assert.ok(begin, `nothing to do on this page\n${said}`);
        return this.submit(begin.form, {}, begin.button);
      }
    }
  }

  /** The code last sent to this person, from the inbox of the demo world. */
  async mailed(page) {
    for (let tries = 0; tries < 100; tries++) {
      const inbox = JSON.parse((await new Person().request(new URL('/dev/inbox.json', page.url))).body);
      const message = inbox.find(({ to, code }) => to === this.email && code);
      if (message) return message.code;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`no code was sent to ${this.email}`);
  }

  /** From an address to the address that the flow ends at. */
  async signIn(target) {
    return this.finish(await this.open(target));
  }
}

/** The address that a page leaves for: a redirect, or a form_post answer. */
export function leaving(page) {
  if (page.location) return page.location;
  const form = page.forms.find((f) => f.action.host !== page.url.host);
  if (!form) return undefined;
  const answer = new URL(form.action);
  answer.search = form.fields().toString();
  answer.formPost = true;
  return answer;
}

const navigation = (site) => ({
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'sec-fetch-site': site,
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
});

function exchange(url, options, body) {
  return new Promise((done, fail) => {
    const request = http.request(url, options, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => done({ response, text: Buffer.concat(chunks).toString('utf8') }));
      response.on('error', fail);
    });
    request.on('error', fail);
    request.end(body);
  });
}
