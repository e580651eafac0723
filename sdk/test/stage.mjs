// What the tests of the SDKs play on: the built binary as `intelliauth dev`, the
// React example as it is built, an API on the Node SDK, and Chromium.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { World } from '../../test/world/dev.mjs';
import { rolldown } from 'rolldown';
import { folder, freePort } from '../../test/world/process.mjs';
import { Window as Plain } from '../../test/world/chromium.mjs';
import { Verifier, intelliAuth, requireAal } from '../node/dist/index.mjs';

const { chromium } = createRequire(new URL('../../test/package.json', import.meta.url))('playwright-core');
const express = createRequire(import.meta.url)('express');
const run = promisify(execFile);
const example = fileURLToPath(new URL('../../examples/react-spa/', import.meta.url));

export { World };
export const spa = 'http://localhost:5173';
export const audience = 'https://api.demo.example';

/** A window whose clock goes as the world's does: proofs of keys say when they were made. */
export class Window {
  static async open(browser, world) {
    const window = await Plain.open(browser, world);
    const set = (offset) => {
      globalThis.shift = offset;
      if (Date.moved) return;
      const real = Date.now;
      Date.now = () => real() + globalThis.shift;
      Date.moved = true;
    };
    await window.context.addInitScript(set, world.offset);
    const advance = world.advance;
    world.advance = async (seconds) => {
      await advance.call(world, seconds);
      await window.context.addInitScript(set, world.offset);
      for (const page of window.context.pages()) await page.evaluate(set, world.offset).catch(() => undefined);
    };
    const close = window.close;
    window.close = () => {
      world.advance = advance;
      return close.call(window);
    };
    return window;
  }
}

/** A server on a free port of the loopback. */
export async function listen(handler) {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }),
  };
}

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };

/** Serves a folder as single-page applications are: every path that is no file is the page. */
export const files = (root) => async (request, response) => {
  const path = normalize(new URL(request.url, 'http://x').pathname);
  const name = extname(path) ? path : '/index.html';
  try {
    const body = await readFile(join(root, name));
    response.writeHead(200, { 'content-type': types[extname(name)] ?? 'application/octet-stream' });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
};

/** An API that takes payouts with a file: level 2, proved within five minutes. */
export function payouts(world, { now = () => Date.now() + world.offset, ...more } = {}) {
  const stored = [];
  const seen = [];
  const verifier = new Verifier({ tenantUrl: world.issuer, audience, now, ...more });
  const app = express();
  app.use((request, response, next) => {
    response.set({
      'Access-Control-Allow-Origin': spa, Vary: 'Origin',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type, DPoP',
      'Access-Control-Expose-Headers': 'WWW-Authenticate, DPoP-Nonce',
    });
    if (request.method === 'OPTIONS') return response.sendStatus(204);
    seen.push({ method: request.method, url: request.url, headers: request.headers });
    return next();
  });
  app.use(intelliAuth({ verifier, publicUrl: 'http://localhost:8787' }));
  app.get('/whoami', (request, response) => response.json({ sub: request.auth.claims.sub, aal: request.auth.claims.aal }));
  app.get('/moved', (_, response) => response.redirect('http://localhost:8787/whoami'));
  app.post('/payouts', requireAal(2, { maxAge: 300 }), async (request, response) => {
    const form = await new Response(await bytes(request), { headers: { 'content-type': request.headers['content-type'] } }).formData();
    const file = form.get('invoice');
    stored.push({ to: form.get('to'), amount: form.get('amount'), name: file?.name, text: await file?.text(), sub: request.auth.claims.sub });
    response.status(201).json({ id: stored.length, size: file?.size });
  });
  return { app, stored, seen, verifier };
}

async function bytes(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Adds a page of the same origin that has the browser core and nothing else: `IntelliAuth.AuthClient`. */
async function bare(root) {
  const bundle = await rolldown({ input: fileURLToPath(new URL('../js/dist/index.js', import.meta.url)), platform: 'browser' });
  await bundle.write({ file: join(root, 'core.js'), format: 'iife', name: 'IntelliAuth' });
  await bundle.close();
  await writeFile(join(root, 'bare.html'), '<!doctype html><html lang="en"><title>Bare</title><link rel="icon" href="data:,"><body><script src="/core.js"></script></body></html>');
}

/** The example API in Go, built and started as a program of its own. */
export async function goAPI(world, root) {
  const binary = join(root, 'go-api');
  await run('go', ['build', '-o', binary, '.'], { cwd: fileURLToPath(new URL('../../examples/go-api/', import.meta.url)), env: { ...process.env, CGO_ENABLED: '0' } });
  const port = await freePort();
  const child = spawn(binary, ['-listen', `127.0.0.1:${port}`, '-issuer', world.issuer, '-page', spa], { stdio: ['ignore', 'inherit', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => { said += text; });
  const ended = once(child, 'exit');
  for (let i = 0; !/listening/.test(said); i++) {
    if (child.exitCode !== null || i > 200) throw new Error(`examples/go-api does not start:\n${said}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  return {
    port,
    async stop() {
      child.kill();
      await ended;
    },
  };
}

/** Everything, with the example built for this world. The API is one on the Node SDK, or the example in Go. */
export class Stage {
  static async open({ go = false } = {}) {
    const stage = new Stage();
    stage.ends = [];
    try {
      stage.world = await World.start();
      stage.ends.push(() => stage.world.stop());
      stage.world.hosts = ['localhost:8787'];
      const home = await folder('spa');
      stage.ends.push(() => home.remove());
      await run('npx', ['vite', 'build', '--outDir', home.path, '--emptyOutDir', '--logLevel', 'error'], {
        cwd: example, env: { ...process.env, VITE_TENANT_URL: stage.world.issuer },
      });
      await bare(home.path);
      const page = await listen(files(home.path));
      stage.ends.push(page.stop);
      if (!go) stage.api = payouts(stage.world);
      const api = await (go ? goAPI(stage.world, home.path) : listen(stage.api.app));
      stage.ends.push(api.stop);
      stage.browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
        args: [
          '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
          '--disable-component-update', '--disable-sync', `--host-resolver-rules=MAP localhost:5173 127.0.0.1:${page.port},MAP localhost:8787 127.0.0.1:${api.port}`,
        ],
      });
      stage.ends.push(() => stage.browser.close());
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  async close() {
    for (const end of this.ends.reverse()) await end();
  }
}
