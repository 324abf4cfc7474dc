import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// `npm run dev` shows the sites with the data of the shop that `make up` has started.
const shop = process.env.PURSER_URL ?? 'http://127.0.0.1:8000';

/** As the gateway does: every address below /admin is the staff's site. */
const twoSites: Plugin = {
  name: 'two-sites',
  configureServer(server) {
    server.middlewares.use((request, _, next) => {
      if (request.headers.accept?.includes('text/html') && request.url?.startsWith('/admin')) {
        request.url = '/admin/index.html';
      }
      next();
    });
  },
};

export default defineConfig({
  plugins: [react(), twoSites],
  worker: { format: 'es' },
  build: {
    rolldownOptions: { input: ['index.html', 'admin/index.html'] },
    // The Content-Security-Policy allows no inline script, and the browsers meant here need no polyfill.
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': { target: shop } } },
  test: { include: ['src/**/*.test.ts'] },
});
