// An API on the Node SDK as a process of its own: says its port, and answers 204
// to who has a good token. `node api-process.mjs ISSUER`
import { createServer } from 'node:http';
import { Verifier } from '../node/dist/index.mjs';

const verifier = new Verifier({
  tenantUrl: process.argv[2], audience: 'https://api.demo.example',
  revocations: { clientId: 'demo-api', clientSecret: 'demo-api-secret' },
});
const server = createServer((request, response) => {
  verifier.verify(request.headers.authorization).then(() => 204, () => 401).then((status) => response.writeHead(status).end());
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
