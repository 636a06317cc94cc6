// Builds the desktop shell into out/electron, beside the programs, and the console into out/renderer: one bundle for Electron and for a
// browser, that a strict Content-Security-Policy lets run. Every path stands in this file: `import.meta.dirname` of a file that it imported
// would be this folder too.
import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';

const root = import.meta.dirname;
const shared = { outDir: path.join(root, 'out/electron'), emptyOutDir: false, sourcemap: true, minify: false } as const;

export default defineConfig({
  main: {
    build: {
      ...shared,
      rolldownOptions: {
        input: { main: path.join(root, 'electron/main.ts') },
        output: { format: 'es', entryFileNames: '[name].js', codeSplitting: false },
      },
    },
  },
  preload: {
    build: {
      ...shared,
      externalizeDeps: false,
      // Each whole in itself: a sandboxed preload may load no other file.
      isolatedEntries: true,
      rolldownOptions: {
        input: {
          preload: path.join(root, 'electron/preload.ts'),
          'audience-preload': path.join(root, 'electron/audience-preload.ts'),
        },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: path.join(root, 'renderer'),
    base: './',
    publicDir: false,
    plugins: [react()],
    build: {
      outDir: path.join(root, 'out/renderer'),
      emptyOutDir: true,
      // Inlined scripts and data: fonts would need a weaker policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      target: 'es2022',
      minify: true,
      sourcemap: true,
      chunkSizeWarningLimit: 1_500,
      rolldownOptions: {
        input: {
          index: path.join(root, 'renderer/index.html'),
          'audience-window': path.join(root, 'renderer/audience-window.html'),
        },
      },
    },
    worker: { format: 'es' },
  },
});
