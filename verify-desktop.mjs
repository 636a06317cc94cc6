// `npm run verify:desktop`: the desktop app's tests on the real Electron of a machine with a desktop, and a report to paste back. It never
// falls back to the stand-in: where Electron can not run it says why and ends with 1. Plain JavaScript: it runs before anything is built.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fetchElectron, installedElectron, whyNoWindow } from './electron/runtime.mjs';

const root = import.meta.dirname;
/** Begins the names of all of them. */
const SPECS = 'tests/e2e/desktop';
const LABEL = /desktop tests ran on ([^\n]+)/;

const never = whyNoWindow();
if (never !== null) end(`Electron can not run here: ${never}.`);
const missing = installedElectron() ? null : await fetchElectron();
if (missing !== null) end(`Electron can not run here: ${missing}.`);
if (process.platform === 'linux' && process.getuid?.() === 0)
  end('Electron can not run here: its sandbox refuses root; run this as a user.');

const folder = mkdtempSync(path.join(os.tmpdir(), 'p2plive-verify-'));
const results = path.join(folder, 'results.json');
const { code, words } = await runSpecs();
const tests = readResults();
rmSync(folder, { recursive: true, force: true });
// The tests compare what runs with what was chosen before the first of them passes.
const ran = (tests.passed > 0 && LABEL.exec(words)?.[1]) || 'nothing that could be proven';
const isVerified = code === 0 && ran === 'real Electron' && tests.passed > 0 && tests.failed === 0;
process.stdout.write(
  [
    '',
    '--- P2PLive desktop report: please paste all of it ---',
    `system    ${os.type()} ${os.release()} (${os.version()})`,
    `arch      ${os.arch()}`,
    `Node      ${process.version}`,
    `Electron  ${electronVersion()}`,
    `commit    ${commit()}`,
    `ran on    ${ran}`,
    `tests     ${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`,
    ...tests.failures.map((text) => `failed    ${text}`),
    ...(isVerified || tests.failures.length > 0 ? [] : [`said      ${lastWords()}`]),
    `verdict   ${isVerified ? 'verified' : 'not verified'}`,
    '--- end of report ---',
    '',
  ].join('\n'),
);
process.exit(isVerified ? 0 : 1);

/** Shows what the tests say while they run, and keeps it. */
function runSpecs() {
  return new Promise((resolve) => {
    const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
    const child = spawn(
      process.execPath,
      [vitest, 'run', SPECS, '--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, DESKTOP_RUNTIME: 'electron', NO_COLOR: '1' },
      },
    );
    let words = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        words += text;
        process.stdout.write(text);
      });
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => resolve({ code: 1, words: error.message }));
    child.on('close', (code) => resolve({ code, words }));
  });
}

function readResults() {
  let found;
  try {
    found = JSON.parse(readFileSync(results, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0, failures: [] }; // they did not run; the last words say why
  }
  const files = found.testResults
    .filter((file) => file.status === 'failed' && file.message)
    .map((file) => file.message);
  const failed = found.testResults.flatMap((file) => file.assertionResults).filter((one) => one.status === 'failed');
  return {
    passed: found.numPassedTests,
    // A file that could not begin has no tests to count, and has failed all the same.
    failed: found.numFailedTests + files.length,
    skipped: found.numPendingTests,
    failures: [...files, ...failed.map((one) => `${one.title}: ${one.failureMessages[0]}`)].map(firstLine),
  };
}

function electronVersion() {
  const program = installedElectron();
  try {
    const { ELECTRON_RUN_AS_NODE: _node, ...env } = process.env;
    return execFileSync(program, ['--version'], { encoding: 'utf8', timeout: 10_000, env, stdio: 'pipe' }).trim();
  } catch (error) {
    return `does not tell its version (${firstLine(error.message)})`;
  }
}

function commit() {
  try {
    const git = (...words) => execFileSync('git', words, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ', with changes'}`;
  } catch {
    return 'unknown (no clone)';
  }
}

function lastWords() {
  const lines = words.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('JSON report'));
  return lines.slice(-3).join(' | ').slice(0, 300);
}

function firstLine(text) {
  return text.split('\n')[0].slice(0, 200);
}

function end(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
