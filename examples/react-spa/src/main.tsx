import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { IntelliAuthProvider } from '@intelliauth/react-sdk';
import { App } from './App';
import { api, tenantUrl } from './places';
import './style.css';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <IntelliAuthProvider
      tenantUrl={tenantUrl}
      clientId="demo-spa"
      redirectUri={`${location.origin}/callback`}
      audience="https://api.demo.example"
      apiOrigins={[api]}
    >
      <App />
    </IntelliAuthProvider>
  </StrictMode>,
);
