// `intelliauth dev`, as SURFACE says it: the demo world on a port of its own.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Running, addUser, binary, folder, onFreePort } from './process.mjs';

export const ada = Object.freeze({ email: 'ada@example.com', password: 'analytical-engine-1843' });
export const grace = Object.freeze({ email: 'grace@example.com', password: 'compiler-first-1952' });

export const applications = Object.freeze({
  web: { id: 'demo-web', secret: 'demo-web-secret', redirect: 'http://localhost:9999/callback' },
  spa: { id: 'demo-spa', redirect: 'http://localhost:5173/callback' },
  api: { id: 'demo-api', secret: 'demo-api-secret', audience: 'https://api.demo.example' },
});

/** A demo world. `now()` is the server's time in seconds, moved clock included. */
export class World {
  static async start(...args) {
    const world = new World();
    world.home = await folder('dev');
    world.args = args;
    try {
      await onFreePort((port) => {
        world.port = port;
        return world.open();
      });
    } catch (error) {
      await world.home.remove();
      throw error;
    }
    return world;
  }

  offset = 0;

  async open() {
    this.process = new Running([
      'dev', '--json', '--listen', `127.0.0.1:${this.port}`, '--data', join(this.home.path, 'data'), ...this.args,
    ]);
    let line;
    try {
      line = await this.process.firstLine();
    } catch (error) {
      await this.process.stop('SIGKILL');
      throw error;
    }
    Object.assign(this, JSON.parse(line));
    this.acme = `http://acme.localhost:${this.port}`;
    this.app = `http://app.localhost:${this.port}`;
    this.acmeApp = `http://acme-app.localhost:${this.port}`;
    if (this.offset) await this.advance(0);
  }

  log() {
    return this.process.log();
  }

  now() {
    return Math.floor((Date.now() + this.offset) / 1000);
  }

  /** Every message sent, newest first. */
  async messages() {
    return (await fetch(`${this.issuer}/dev/inbox.json`)).json();
  }

  /** The code that was last sent to an address or number; waits for the worker that sends it. */
  async sent(to, after = 0) {
    for (let tries = 0; tries < 100; tries++) {
      const codes = (await this.messages()).filter((message) => message.to === to && message.code);
      if (codes.length > after) return codes[0].code;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`no code was sent to ${to}: ${JSON.stringify(await this.messages())}`);
  }

  #users = 0;

  /** Somebody new in a tenant, without a factor. */
  async newcomer(tenant = 'demo') {
    const user = { email: `visitor${++this.#users}@example.com`, password: 'seven quiet herons at dusk' };
    await addUser(user, tenant, '--data', join(this.home.path, 'data'));
    return user;
  }

  /** Runs a command of the binary on this world's data, and returns what it says. */
  async run(...args) {
    const { stdout } = await promisify(execFile)(binary, [...args, '--data', join(this.home.path, 'data')]);
    return stdout;
  }

  /** Moves the server's clock on, in seconds: no test waits for a TOTP step. */
  async advance(seconds) {
    const answer = await fetch(`${this.issuer}/dev/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ advance: `${seconds}s` }),
    });
    if (!answer.ok) throw new Error(`POST /dev/clock: ${answer.status} ${await answer.text()}`);
    const { now } = await (await fetch(`${this.issuer}/dev/clock`)).json();
    this.offset = Date.parse(now) - Date.now();
  }

  /** Ends the process and starts it again on the same data. */
  async restart(signal = 'SIGTERM') {
    await this.process.stop(signal);
    await this.open();
  }

  async stop() {
    try {
      await this.process.stop();
    } finally {
      await this.home.remove();
    }
  }
}
