/** `make run` and examples/go-api, unless the environment says otherwise. */
export const tenantUrl: string = import.meta.env.VITE_TENANT_URL ?? 'http://localhost:8080';
export const api: string = import.meta.env.VITE_API ?? 'http://localhost:8787';
