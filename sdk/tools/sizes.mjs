// What a page loads: the browser core alone, with the OAuth library it stands
// on, and with the React skin (React itself left out). Minified, then gzip.
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const goal = 12 * 1024;

async function size(input, external) {
  const bundle = await rolldown({ input: at(input), external, platform: 'browser', logLevel: 'silent', treeshake: true });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  const code = output.map((chunk) => chunk.code ?? '').join('');
  return { min: Buffer.byteLength(code), gzip: gzipSync(code, { level: 9 }).length };
}

const rows = {
  '@intelliauth/js, our own code': await size('js/dist/index.js', ['oauth4webapi']),
  '@intelliauth/js with oauth4webapi': await size('js/dist/index.js', []),
  '@intelliauth/react-sdk and all below, without React': await size('react/dist/index.js', ['react', 'react/jsx-runtime']),
};
for (const [name, { min, gzip }] of Object.entries(rows)) {
  console.log(`${name.padEnd(52)} ${(min / 1024).toFixed(1).padStart(6)} kB min ${(gzip / 1024).toFixed(1).padStart(6)} kB gzip`);
}
const core = rows['@intelliauth/js, our own code'];
console.log(`goal for the core: 12.0 kB gzip; ${core.gzip <= goal ? 'met' : `missed by ${core.gzip - goal} bytes`}`);
if (core.gzip > goal) process.exitCode = 1;
