// Bundles the console into out/renderer: one bundle for Electron and for a browser, that a strict Content-Security-Policy lets run.
import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  publicDir: false,
  plugins: [react()],
  build: {
    outDir: path.join(import.meta.dirname, '../out/renderer'),
    emptyOutDir: true,
    // Inlined scripts and data: fonts would need a weaker policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    sourcemap: true,
    chunkSizeWarningLimit: 1_500,
  },
  worker: { format: 'es' },
});
