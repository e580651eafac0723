// An authenticator app that we did not write: Debian's oathtool.
import { execFileSync } from 'node:child_process';

/** The code of a base32 secret at a time in seconds, now if it is left out. */
export function code(secret, at = Math.floor(Date.now() / 1000)) {
  const bare = secret.replace(/[\s-]/g, '');
  return execFileSync('oathtool', ['-b', '--totp', `--now=@${at}`, bare], { encoding: 'utf8' }).trim();
}

/** A code of six digits that no step near `at` has. */
export function wrongCode(secret, at = Math.floor(Date.now() / 1000)) {
  const near = new Set([-60, -30, 0, 30, 60].map((shift) => code(secret, at + shift)));
  for (let n = 0; ; n++) {
    const guess = String(n).padStart(6, '0');
    if (!near.has(guess)) return guess;
  }
}
