import { useState, type FormEvent } from 'react';
import { IntelliAuthError, useIntelliAuth } from '@intelliauth/react-sdk';
import { api } from './places';

/** A form with a file. The API wants a second factor of the last five minutes; nothing here knows that. */
export function Payout() {
  const { fetch, pendingRequest } = useIntelliAuth();
  const [story, setStory] = useState('');
  const [busy, setBusy] = useState(false);

  const tell = async (send: () => Promise<Response>, done?: () => void) => {
    setBusy(true);
    setStory('');
    try {
      const response = await send();
      if (response.ok) done?.();
      setStory(response.ok ? `Stored: ${JSON.stringify(await response.json())}` : `Refused: ${response.status}`);
    } catch (error) {
      const known = error instanceof IntelliAuthError ? error.code : 'network_error';
      setStory(known === 'step_up_cancelled' ? 'Nothing was sent.' : `Failed: ${known}`);
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const body = new FormData(form);
    void tell(() => fetch(`${api}/payouts`, { method: 'POST', body }), () => form.reset());
  };

  return (
    <section className="card" aria-labelledby="payout">
      <h2 id="payout">New payout</h2>
      {pendingRequest && (
        <p role="status">Your payout was not sent yet. <button onClick={() => void tell(pendingRequest.send)}>Send it now</button>{' '}
          <button onClick={() => void pendingRequest.discard()}>Forget it</button></p>
      )}
      <form onSubmit={submit}>
        <label>To <input name="to" required defaultValue="Grace Hopper" /></label>
        <label>Amount <input name="amount" required inputMode="decimal" defaultValue="100.00" /></label>
        <label>Invoice <input name="invoice" type="file" required /></label>
        <button disabled={busy}>Pay</button>
      </form>
      <p data-testid="story" aria-live="polite">{story}</p>
    </section>
  );
}
