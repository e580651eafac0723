import { MfaSettings, useIntelliAuth } from '@intelliauth/react-sdk';
import { Payout } from './Payout';

export function App() {
  const { loading, isAuthenticated, user, aal, error, waiting, loginWithRedirect, logout } = useIntelliAuth();
  if (loading) return <main aria-busy="true"><p>One moment…</p></main>;
  if (!isAuthenticated) {
    return (
      <main>
        <h1>Payouts</h1>
        {error && <p role="alert">{error.message} <code>{error.code}</code></p>}
        <button onClick={() => void loginWithRedirect()}>Sign in</button>
      </main>
    );
  }
  return (
    <main>
      <header>
        <h1>Hello, {user?.name ?? user?.email}</h1>
        <p>Signed in at level <output data-testid="aal">{aal}</output>.{' '}
          <button onClick={() => void logout({ returnTo: `${location.origin}/` })}>Sign out</button></p>
      </header>
      {error && <p role="alert">{error.message} <code>{error.code}</code></p>}
      {waiting && (
        <p role="status">Go on in the window that opened. <button onClick={waiting.focus}>Show it</button>{' '}
          <button onClick={waiting.cancel}>Give up</button></p>
      )}
      <Payout />
      <MfaSettings className="card" />
    </main>
  );
}
