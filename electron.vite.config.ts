// Builds the desktop shell: main and preload into out/electron, beside the programs. The console's page is renderer/vite.config.ts.
import path from 'node:path';
import { defineConfig } from 'electron-vite';
import renderer from './renderer/vite.config.ts';

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
      rolldownOptions: {
        input: { preload: path.join(root, 'electron/preload.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false },
      },
    },
  },
  renderer: {
    ...renderer,
    build: { ...renderer.build, minify: true, rolldownOptions: { input: path.join(root, 'renderer/index.html') } },
  },
});
