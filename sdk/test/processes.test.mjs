// Two APIs in Go and two on Node, each a process of its own: what the operator
// revokes is refused by all of them, and nothing else is.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { World, ada, applications, grace } from '../../test/world/dev.mjs';
import { Person } from '../../test/world/person.mjs';
import { folder } from '../../test/world/process.mjs';
import { RelyingParty, read } from '../../test/world/rp.mjs';
import { goAPI } from './stage.mjs';

const ends = [];
let world;
let rp;
let apis; // addresses

async function nodeAPI() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('api-process.mjs', import.meta.url)), world.issuer], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = await once(child.stdout, 'data');
  ends.push(async () => {
    const gone = once(child, 'exit');
    child.kill();
    await gone;
  });
  return `http://127.0.0.1:${String(port).trim()}/`;
}

before(async () => {
  world = await World.start();
  ends.push(() => world.stop());
  const home = await folder('apis');
  ends.push(() => home.remove());
  apis = [await nodeAPI(), await nodeAPI()];
  for (let i = 0; i < 2; i++) {
    const api = await goAPI(world, home.path);
    ends.push(api.stop);
    apis.push(`http://127.0.0.1:${api.port}/claims`);
  }
  const { web } = applications;
  rp = await RelyingParty.discover(world.issuer, web.id, { secret: web.secret, redirect: web.redirect, skew: () => world.offset });
});
after(async () => {
  for (const end of ends.reverse()) await end();
});

const ask = async (address, token) => (await fetch(address, { headers: { authorization: `Bearer ${token}` } })).status < 300;

test('ten sessions are revoked, and refused by four processes each', async () => {
  const spared = (await rp.signIn(new Person(ada))).access_token;
  for (let n = 0; n < 10; n++) {
    const { access_token: token } = await rp.signIn(new Person(grace));
    for (const api of apis) {
      let good = false;
      for (let tries = 0; !good && tries < 100; tries++) good = await ask(api, token); // a feed that just began knows nothing yet
      assert.ok(good, `${n}: ${api} takes a good token`);
    }
    await world.run('session', 'revoke', read(token).payload.sid, '--tenant', 'demo');
    for (const api of apis) {
      let refused = false;
      for (let tries = 0; !refused && tries < 200; tries++) {
        refused = !(await ask(api, token));
        if (!refused) await new Promise((done) => setTimeout(done, 20));
      }
      assert.ok(refused, `${n}: ${api} refuses a revoked one`);
    }
  }
  for (const api of apis) assert.ok(await ask(api, spared), `${api} takes another's token still`);
});
