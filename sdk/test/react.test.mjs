// The React skin without a browser: rendered on a server, and held against the surface it promises.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { StrictMode, createElement as h } from 'react';
import { renderToString } from 'react-dom/server';
import { AuthClient, IntelliAuthError, IntelliAuthProvider, MfaSettings, RequireAal, useIntelliAuth, useStepUp } from '../react/dist/index.js';

const options = { tenantUrl: 'https://login.example', clientId: 'spa', redirectUri: 'https://app.example/callback' };
const render = (child) => renderToString(h(StrictMode, null, h(IntelliAuthProvider, options, child)));

test('on a server everybody is still unknown: neither signed in nor signed out is shown', () => {
  let seen;
  const Page = () => {
    seen = useIntelliAuth();
    useStepUp();
    return seen.loading ? 'loading' : seen.isAuthenticated ? 'in' : 'out';
  };
  assert.equal(render(h(Page)), 'loading');
  assert.equal(seen.user, null);
  assert.equal(seen.aal, 0);
  assert.equal(render(h(RequireAal, { level: 2, fallback: 'ask' }, 'secret')), '', 'neither the children nor the fallback flash');
  assert.equal(render(h(MfaSettings)), '');
});

test('the hook has everything that it promises', () => {
  let seen;
  render(h(() => { seen = useIntelliAuth(); return null; }));
  for (const name of [
    'loginWithRedirect', 'handleRedirectCallback', 'logout', 'getAccessToken', 'checkSession', 'startMfaEnrolment', 'listMfaEnrollments', 'listMfaEnrolments',
    'renameMfaEnrolment', 'removeMfaEnrolment', 'stepUp', 'fetch', 'listSessions', 'revokeSession', 'revokeOtherSessions', 'changePassword',
  ]) assert.equal(typeof seen[name], 'function', name);
  for (const name of ['user', 'loading', 'error', 'isAuthenticated', 'aal']) assert.ok(name in seen, name);
});

test('without a provider, without a window and with odd options there is a coded error', async () => {
  const coded = (code) => (error) => error instanceof IntelliAuthError && error.code === code;
  assert.throws(() => renderToString(h(() => { useIntelliAuth(); return null; })), coded('configuration_error'));
  const client = new AuthClient(options);
  await client.start(); // does nothing
  await assert.rejects(client.loginWithRedirect(), coded('not_in_browser'));
  await assert.rejects(client.getAccessToken(), coded('not_in_browser'));
  for (const bad of [{ tenantUrl: 'http://login.example' }, { tenantUrl: 'x' }, { clientId: '' }, { redirectUri: '/callback' }]) {
    assert.throws(() => new AuthClient({ ...options, ...bad }), coded('configuration_error'), JSON.stringify(bad));
  }
});
