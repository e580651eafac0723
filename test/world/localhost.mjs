// Names under .localhost are this machine (RFC 6761, 6.3). Chromium knows that,
// Node asks the resolver, which does not. Import this once and all of node:http,
// fetch and the relying parties' libraries know it too.
import dns from 'node:dns';

const system = dns.lookup;

dns.lookup = function lookup(hostname, options, callback) {
  if (typeof options === 'function') [options, callback] = [{}, options];
  if (hostname !== 'localhost' && !hostname.endsWith('.localhost')) return system(hostname, options, callback);
  const address = { address: '127.0.0.1', family: 4 };
  process.nextTick(() => (options?.all ? callback(null, [address]) : callback(null, address.address, address.family)));
};
