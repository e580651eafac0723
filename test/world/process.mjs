// The built binary, started and ended by its own pid, in a folder of its own.
import './localhost.mjs';
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';

export const binary = process.env.INTELLIAUTH_BIN || fileURLToPath(new URL('../../bin/intelliauth', import.meta.url));

/** A port of the loopback that nobody listens on now. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/**
 * Runs `start` with a fresh port, again if somebody took the port in between:
 * other tests of the same machine look for free ports, too.
 */
export async function onFreePort(start) {
  for (let tries = 1; ; tries++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (tries === 3 || !/address already in use/i.test(error.message)) throw error;
    }
  }
}

// What this process started and made, to be ended and removed even when it is
// itself ended in the middle of a test.
const children = new Set();
const folders = new Set();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const path of folders) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

/** A folder that `remove` takes away again. */
export async function folder(name) {
  const path = await mkdtemp(join(tmpdir(), `intelliauth-${name}-`));
  folders.add(path);
  const remove = async () => {
    await rm(path, { recursive: true, force: true });
    folders.delete(path);
  };
  return { path, remove };
}

/** Adds a user with a password, on the command line. `place` says where. */
export async function addUser({ email, password }, tenant, ...place) {
  const args = ['user', 'add', email, '--tenant', tenant, '--email-verified', '--password-stdin', ...place];
  const child = spawn(binary, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  const said = [];
  child.stderr.on('data', (chunk) => said.push(chunk));
  child.stdin.end(`${password}\n`);
  const [code] = await once(child, 'close');
  assert.equal(code, 0, `user add: ${Buffer.concat(said)}`);
}

/** A running process of the binary. `log()` is what it wrote to stderr. */
export class Running {
  #log = [];

  constructor(args, options = {}) {
    assert.ok(existsSync(binary), `${binary} is missing: run "make build" first`);
    this.child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    children.add(this.child);
    this.child.once('exit', () => children.delete(this.child));
    this.child.stderr.setEncoding('utf8').on('data', (text) => this.#log.push(text));
    this.child.stdout.setEncoding('utf8');
    this.ended = new Promise((done) => this.child.once('exit', (code, signal) => done({ code, signal })));
    this.child.once('error', (error) => this.#log.push(String(error)));
  }

  log() {
    return this.#log.join('');
  }

  /** The first line of stdout; throws with the log if the process ends before. */
  async firstLine(seconds = 20) {
    let text = '';
    let timer;
    const line = new Promise((done) => {
      this.child.stdout.on('data', (chunk) => {
        text += chunk;
        if (text.includes('\n')) done(text.slice(0, text.indexOf('\n')));
      });
    });
    const late = new Promise((_, fail) => {
      timer = setTimeout(() => fail(new Error(`no line on stdout within ${seconds} s\n${this.log()}`)), seconds * 1000);
    });
    const dead = this.ended.then(({ code, signal }) => {
      throw new Error(`ended with ${signal ?? code} before it was ready\n${text}\n${this.log()}`);
    });
    try {
      return await Promise.race([line, late, dead]);
    } finally {
      clearTimeout(timer);
      dead.catch(() => {});
    }
  }

  /** Asks it to end and waits; after ten seconds it is killed and that is an error. */
  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.ended;
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    const ended = await this.ended;
    clearTimeout(timer);
    if (signal === 'SIGTERM') assert.equal(ended.signal, null, `did not end on SIGTERM within 10 s\n${this.log()}`);
    return ended;
  }
}
