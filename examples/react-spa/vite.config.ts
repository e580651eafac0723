import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  // The SDK is linked from this repository: there must be one React.
  resolve: { dedupe: ['react', 'react-dom'] },
  server: { port: 5173, strictPort: true },
  preview: { port: 5173, strictPort: true },
});
