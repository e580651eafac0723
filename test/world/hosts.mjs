// Hosts with real-looking names over TLS, under an authority of our own that
// the browser trusts: WebAuthn is refused on pages with certificate errors.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { folder } from './process.mjs';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Several hosts on one port, each handed on to a server in clear. */
export class Hosts {
  /**
   * `names` are the hosts. `behind` is where requests go, and `as` the host that
   * the server is told it was reached by: a page of another host is then an
   * attacker in the middle, who shows the real pages as his own.
   */
  static async open({ names, as, behind }) {
    const it = new Hosts();
    it.home = await folder('hosts');
    const at = (name) => join(it.home.path, name);
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=Tests', '-keyout', at('ca.key'), '-out', at('ca.pem'));
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${names[0]}`, '-keyout', at('key.pem'), '-out', at('leaf.csr'));
    writeFileSync(at('leaf.ext'), `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}\nextendedKeyUsage=serverAuth\n`);
    openssl('x509', '-req', '-in', at('leaf.csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('leaf.ext'), '-out', at('cert.pem'));
    const store = at('.pki/nssdb');
    mkdirSync(store, { recursive: true });
    execFileSync('certutil', ['-N', '-d', `sql:${store}`, '--empty-password']);
    execFileSync('certutil', ['-A', '-d', `sql:${store}`, '-n', 'tests', '-t', 'C,,', '-i', at('ca.pem')]);
    const tls = { key: readFileSync(at('key.pem')), cert: readFileSync(at('cert.pem')) };
    it.server = https.createServer(tls, (request, response) => hand(request, response, as, behind)).listen(0, '127.0.0.1');
    await once(it.server, 'listening');
    it.rules = names.map((name) => `MAP ${name}:443 127.0.0.1:${it.server.address().port}`);
    return it;
  }

  async close() {
    this.server.close();
    this.server.closeAllConnections();
    await this.home.remove();
  }
}

/** Hands a request on, and the answer back in the name of whoever was asked. */
function hand(request, response, as, behind) {
  const asked = request.headers.host;
  const swap = (text, from, to) => text?.replaceAll(`https://${from}`, `https://${to}`);
  const headers = { ...request.headers, host: as };
  for (const name of ['origin', 'referer']) if (headers[name]) headers[name] = swap(headers[name], asked, as);
  const onward = http.request({ host: '127.0.0.1', port: behind, method: request.method, path: request.url, headers }, (answer) => {
    const back = { ...answer.headers };
    for (const name of ['location', 'content-security-policy']) if (back[name]) back[name] = swap(back[name], as, asked);
    response.writeHead(answer.statusCode, back);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}
