// `intelliauth serve` with a configuration that a test wrote.
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Running, addUser, folder, freePort, onFreePort } from './process.mjs';

export class Serve {
  /**
   * `tenants(port)` gives the text under `tenants:`; users are
   * `[{ tenant, email, password }]`, added before the start.
   */
  static async start({ tenants, users = [], geoip = '' }) {
    const it = new Serve();
    it.home = await folder('serve');
    it.config = join(it.home.path, 'intelliauth.yaml');
    try {
      await writeFile(join(it.home.path, 'root.key'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
      await onFreePort(async (port) => {
        [it.port, it.admin] = [port, await freePort()];
        await writeFile(it.config, it.#file(tenants(port), geoip));
        await it.open('--migrate');
      });
      for (const user of users) await addUser(user, user.tenant, '--config', it.config);
    } catch (error) {
      await it.stop();
      throw error;
    }
    return it;
  }

  #file(tenants, geoip) {
    return [
      `listen: 127.0.0.1:${this.port}`,
      `admin_listen: 127.0.0.1:${this.admin}`,
      `database: sqlite:${join(this.home.path, 'intelliauth.db')}`,
      'root_keys: [file:root.key]',
      ...(geoip ? [geoip] : []),
      'tenants:',
      tenants,
    ].join('\n');
  }

  async open(...args) {
    this.process = new Running(['serve', '--config', this.config, '--drain=0s', ...args]);
    for (let ready = false; !ready; ) {
      if (this.process.child.exitCode !== null) throw new Error(`serve ended\n${this.process.log()}`);
      ready = await fetch(`http://127.0.0.1:${this.admin}/readyz`).then((answer) => answer.ok, () => false);
      if (!ready) await new Promise((done) => setTimeout(done, 20));
    }
  }

  async stop() {
    try {
      await this.process?.stop();
    } finally {
      await this.home.remove();
    }
  }
}
