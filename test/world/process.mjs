// The built binary, started and ended by its own pid, in a folder of its own.
import './localhost.mjs';
import { spawn, execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';

const run = promisify(execFile);

export const binary = process.env.INTELLIAUTH_BIN || fileURLToPath(new URL('../../bin/intelliauth', import.meta.url));

/** A port of the loopback that nobody listens on now. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** A folder that `remove` takes away again. */
export async function folder(name) {
  const path = await mkdtemp(join(tmpdir(), `intelliauth-${name}-`));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** One command of the binary, to its end. */
export async function command(args, options = {}) {
  return run(binary, args, { encoding: 'utf8', ...options });
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
    this.pid = this.child.pid;
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
