import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { AuthClient, AuthState, Level, StepUpOptions, StepUpResult } from '@intelliauth/js';
import { useAuthState, useClient } from './context';

const calls = [
  'loginWithRedirect', 'handleRedirectCallback', 'logout', 'getAccessToken', 'checkSession',
  'startMfaEnrolment', 'listMfaEnrollments', 'listMfaEnrolments', 'renameMfaEnrolment', 'removeMfaEnrolment',
  'stepUp', 'fetch', 'listSessions', 'revokeSession', 'revokeOtherSessions', 'changePassword', 'on',
] as const;

export type Calls = Pick<AuthClient, (typeof calls)[number]>;
export type IntelliAuth = AuthState & Calls;

/** Who is signed in, and everything that can be done about it. The functions never change. */
export function useIntelliAuth(): IntelliAuth {
  const client = useClient();
  const state = useAuthState();
  const bound = useMemo(() => {
    const made: Record<string, unknown> = {};
    for (const name of calls) made[name] = (client[name] as (...given: unknown[]) => unknown).bind(client);
    return made as unknown as Calls;
  }, [client]);
  return useMemo(() => ({ ...state, ...bound }), [state, bound]);
}

export interface StepUp {
  /** Call it from a click. */
  stepUp: (options?: StepUpOptions) => Promise<StepUpResult>;
  pending: boolean;
  result: StepUpResult | null;
  cancel: () => void;
}

/** A step-up with its progress. */
export function useStepUp(defaults: StepUpOptions = {}): StepUp {
  const client = useClient();
  const [state, setState] = useState<{ pending: boolean; result: StepUpResult | null }>({ pending: false, result: null });
  const usual = useRef(defaults);
  const ends = useRef<AbortController | null>(null);
  useEffect(() => {
    usual.current = defaults;
  });
  const stepUp = useCallback(async (options?: StepUpOptions) => {
    ends.current = new AbortController();
    const { signal } = ends.current;
    options?.signal?.addEventListener('abort', () => ends.current?.abort(), { once: true });
    setState({ pending: true, result: null });
    const result = await client.stepUp({ ...usual.current, ...options, signal });
    setState({ pending: false, result });
    return result;
  }, [client]);
  const cancel = useCallback(() => ends.current?.abort(), []);
  return { ...state, stepUp, cancel };
}

export interface RequireAalProps {
  level: Level;
  /** Seconds since the proof at most. */
  maxAge?: number;
  /** Shown until it is proved; left out, a button that asks for it. */
  fallback?: ReactNode | ((stepUp: StepUp) => ReactNode);
  children?: ReactNode;
}

/**
 * Shows its children to a person who has proved enough. It guides, it does not
 * guard: whatever must not be seen has to be refused by the API.
 */
export function RequireAal({ level, maxAge, fallback, children }: RequireAalProps) {
  const { loading, aal, user } = useAuthState();
  const [now, setNow] = useState(() => Date.now());
  const at = Number(user?.claims.auth_time ?? 0) * 1000;
  const until = maxAge === undefined ? Infinity : at + maxAge * 1000;
  useEffect(() => {
    const left = until - Date.now();
    setNow(Date.now());
    if (!Number.isFinite(left) || left <= 0) return undefined;
    const timer = setTimeout(() => setNow(Date.now()), Math.min(left, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  }, [until]);
  const raise = useStepUp({ requiredAal: level, ...(maxAge !== undefined && { maxAge }) });
  if (loading) return null;
  if (aal >= level && now < until) return <>{children}</>;
  if (typeof fallback === 'function') return <>{fallback(raise)}</>;
  if (fallback !== undefined) return <>{fallback}</>;
  return (
    <button type="button" disabled={raise.pending || !user} onClick={() => void raise.stepUp()}>
      Confirm that it is you
    </button>
  );
}
