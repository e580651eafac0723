import { createContext, useContext, useEffect, useMemo, useRef, useSyncExternalStore, type ReactNode } from 'react';
import { AuthClient, IntelliAuthError, initialState, type AuthClientOptions, type AuthState, type User } from '@intelliauth/js';

const Context = createContext<AuthClient | null>(null);

export interface IntelliAuthProviderProps extends AuthClientOptions {
  children?: ReactNode;
  onLogin?: (login: { user: User; appState: unknown }) => void;
  onLogout?: (logout: { reason: 'here' | 'elsewhere' }) => void;
  onError?: (error: IntelliAuthError) => void;
  /** A client made elsewhere, instead of the options. */
  client?: AuthClient;
}

/** Makes the client and finds out who is here. The options are those of the first rendering. */
export function IntelliAuthProvider({ children, onLogin, onLogout, onError, client: given, ...options }: IntelliAuthProviderProps) {
  const { tenantUrl, clientId, redirectUri } = options;
  // One client for these three; the rest is read as it was then.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const client = useMemo(() => given ?? new AuthClient(options), [given, tenantUrl, clientId, redirectUri]);
  const handlers = useRef({ onLogin, onLogout, onError });
  useEffect(() => {
    handlers.current = { onLogin, onLogout, onError };
  });
  useEffect(() => {
    const off = [
      client.on('login', (detail) => handlers.current.onLogin?.(detail)),
      client.on('logout', (detail) => handlers.current.onLogout?.(detail)),
      client.on('error', ({ error }) => handlers.current.onError?.(error)),
    ];
    void client.start();
    return () => {
      for (const end of off) end();
      client.stop();
    };
  }, [client]);
  return <Context.Provider value={client}>{children}</Context.Provider>;
}

export function useClient(): AuthClient {
  const client = useContext(Context);
  if (!client) throw new IntelliAuthError('configuration_error', 'There is no <IntelliAuthProvider> above.');
  return client;
}

const onServer = () => initialState;

/** What is known now. On a server, and at the first rendering after it, that is `loading`. */
export function useAuthState(): AuthState {
  const client = useClient();
  return useSyncExternalStore(client.subscribe, client.getState, onServer);
}
