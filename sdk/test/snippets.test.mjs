// Every TypeScript snippet of the guide and of the packages' READMEs has to compile
// against the packages as they are built.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('../', import.meta.url));
const documents = ['js/README.md', 'react/README.md', 'node/README.md', '../docs/guide/sdks.md'];

test('the snippets of the documents compile', () => {
  const folder = mkdtempSync(join(here, 'test', 'snippets-'));
  try {
    let count = 0;
    for (const name of documents) {
      for (const [, kind, code] of readFileSync(join(here, name), 'utf8').matchAll(/^```(tsx?)\n([\s\S]*?)^```/gm)) {
        writeFileSync(join(folder, `${++count}.${kind}`), `// ${name}\n${code}\nexport {};\n`);
        if (/newcomer/.test(code)) assert.ok(code.trim().split('\n').length <= 30, `${name}: what a newcomer pastes is longer than 30 lines`);
      }
    }
    assert.ok(count >= 6, `only ${count} snippets were found`);
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
      extends: '../../tsconfig.json', include: ['.'], compilerOptions: { types: ['node'], noUnusedLocals: false, noUnusedParameters: false },
    }));
    try {
      execFileSync('npx', ['tsc', '-p', folder], { cwd: here, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      assert.fail(error.stdout);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
