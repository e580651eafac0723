export { IntelliAuthProvider, useAuthState, useClient, type IntelliAuthProviderProps } from './context';
export { RequireAal, useIntelliAuth, useStepUp, type Calls, type IntelliAuth, type RequireAalProps, type StepUp } from './hooks';
export { MfaSettings, type MfaSettingsProps } from './settings';
export * from '@intelliauth/js';
