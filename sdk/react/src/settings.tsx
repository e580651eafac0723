import { useCallback, useEffect, useId, useState, type FormEvent } from 'react';
import { IntelliAuthError, type Enrolment, type EnrolmentResult, type Factor, type PendingEnrolment } from '@intelliauth/js';
import { useIntelliAuth } from './hooks';

export interface MfaSettingsProps {
  /** Which can be added, in order. */
  factors?: readonly Factor[];
  className?: string;
  /** Words to replace; the rest stays English. */
  words?: Partial<typeof english>;
  onChange?: (enrolments: Enrolment[]) => void;
}

const english = {
  title: 'Sign-in methods', none: 'No second step is set up yet.', add: 'Add a method', rename: 'Rename', remove: 'Remove',
  save: 'Save', confirm: 'Confirm', cancel: 'Cancel', done: 'I have kept them', name: 'Name', code: 'Code', phone: 'Mobile number', send: 'Send a code',
  scan: 'Scan this with your authenticator app, or type the key. Then enter the code that it shows.', sent: 'We sent a code to',
  codes: 'Each of these codes works once. Keep them somewhere safe.', failed: 'That did not work.', suspended: 'out of use',
  totp: 'Authenticator app', sms: 'Text message', email: 'E-mail', passkey: 'Passkey or security key', recovery: 'Recovery codes',
};

const everything: readonly Factor[] = ['passkey', 'totp', 'sms', 'email', 'recovery'];

/** Lists, adds, renames and removes sign-in methods. Plain elements: they look as the page does. */
export function MfaSettings({ factors = everything, className, words, onChange }: MfaSettingsProps) {
  const { isAuthenticated, listMfaEnrolments, startMfaEnrolment, renameMfaEnrolment, removeMfaEnrolment } = useIntelliAuth();
  const say = { ...english, ...words };
  const heading = useId();
  const [list, setList] = useState<Enrolment[] | null>(null);
  const [pending, setPending] = useState<(PendingEnrolment & { factor: Factor }) | null>(null);
  const [asking, setAsking] = useState(false); // for a number
  const [renaming, setRenaming] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const load = useCallback(async () => {
    const all = await listMfaEnrolments();
    setList(all);
    return all;
  }, [listMfaEnrolments]);
  useEffect(() => {
    if (isAuthenticated) load().catch((error: unknown) => setProblem(textOf(error)));
  }, [isAuthenticated, load]);

  const act = async (what: () => Promise<unknown>) => {
    setBusy(true);
    setProblem(null);
    try {
      await what();
    } catch (error) {
      if (!(error instanceof IntelliAuthError && ['step_up_cancelled', 'access_denied'].includes(error.code))) setProblem(textOf(error) || say.failed);
    } finally {
      setBusy(false);
    }
  };
  const changed = async () => {
    setPending(null);
    setAsking(false);
    setRenaming(null);
    const all = await load();
    onChange?.(all);
  };
  const take = async (factor: Factor, result: EnrolmentResult) => {
    if (result.kind === 'pending') setPending({ ...result, factor });
    else if (result.kind === 'success') await changed();
    else if (result.kind === 'error') throw result.error;
  };
  const add = (factor: Factor, phoneNumber?: string) =>
    act(async () => take(factor, await startMfaEnrolment(factor, phoneNumber ? { phoneNumber } : {})));
  const field = (event: FormEvent<HTMLFormElement>, name: string) => {
    event.preventDefault();
    return String(new FormData(event.currentTarget).get(name) ?? '').trim();
  };

  if (!isAuthenticated) return null;
  return (
    <section className={className} aria-labelledby={heading} aria-busy={busy || list === null}>
      <h2 id={heading}>{say.title}</h2>
      {problem && <p role="alert">{problem}</p>}
      {list?.length === 0 && <p>{say.none}</p>}
      <ul>
        {list?.map((one) => (
          <li key={one.id} data-factor={one.factor}>
            {one.suspended ? (
              <span>{one.name || say[one.factor]} <em>{say.suspended}</em></span>
            ) : renaming === one.id ? (
              <form onSubmit={(event) => { const name = field(event, 'name'); void act(async () => { await renameMfaEnrolment(one.id, name); await changed(); }); }}>
                <label>{say.name} <input name="name" defaultValue={one.name} required maxLength={64} /></label>{' '}
                <button disabled={busy}>{say.save}</button>
              </form>
            ) : (
              <>
                <strong>{one.name || say[one.factor]}</strong> <span>{say[one.factor]}</span>{' '}
                <button type="button" disabled={busy} aria-label={`${say.rename}: ${one.name || say[one.factor]}`} onClick={() => setRenaming(one.id)}>{say.rename}</button>{' '}
                <button type="button" disabled={busy} aria-label={`${say.remove}: ${one.name || say[one.factor]}`} onClick={() => void act(async () => { await removeMfaEnrolment(one.id); await changed(); })}>{say.remove}</button>
              </>
            )}
          </li>
        ))}
      </ul>
      {pending ? (
        <Pending key={pending.id} pending={pending} busy={busy} say={say} onCancel={() => setPending(null)}
          onCode={(code) => void act(async () => take(pending.factor, await pending.complete({ code })))} />
      ) : asking ? (
        <form onSubmit={(event) => void add('sms', field(event, 'phone'))}>
          <label>{say.phone} <input name="phone" type="tel" autoComplete="tel" required /></label>{' '}
          <button disabled={busy}>{say.send}</button>{' '}
          <button type="button" onClick={() => setAsking(false)}>{say.cancel}</button>
        </form>
      ) : (
        <fieldset disabled={busy}>
          <legend>{say.add}</legend>
          {factors.map((factor) => (
            <button key={factor} type="button" data-add={factor} onClick={() => (factor === 'sms' ? setAsking(true) : void add(factor))}>{say[factor]}</button>
          ))}
        </fieldset>
      )}
    </section>
  );
}

interface PendingProps {
  pending: PendingEnrolment & { factor: Factor };
  busy: boolean;
  say: typeof english;
  onCode: (code: string) => void;
  onCancel: () => void;
}

/** What setting up a factor goes on with: a picture, a message that was sent, codes to keep. */
function Pending({ pending, busy, say, onCode, onCancel }: PendingProps) {
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onCode(pending.codes ? 'kept' : String(new FormData(event.currentTarget).get('code') ?? '').trim());
  };
  return (
    <form onSubmit={send}>
      {pending.qr && <p>{say.scan}<br /><img src={pending.qr} alt="" width={200} height={200} /><br /><code>{pending.secret}</code></p>}
      {pending.sentTo && <p>{say.sent} {pending.sentTo}</p>}
      {pending.codes ? (
        <><p>{say.codes}</p><ul>{pending.codes.map((code) => <li key={code}><code>{code}</code></li>)}</ul></>
      ) : (
        <label>{say.code} <input name="code" inputMode="numeric" autoComplete="one-time-code" required autoFocus /></label>
      )}{' '}
      <button disabled={busy}>{pending.codes ? say.done : say.confirm}</button>{' '}
      <button type="button" onClick={onCancel}>{say.cancel}</button>
    </form>
  );
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : '');
