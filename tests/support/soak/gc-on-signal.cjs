// Preloaded into the programs that a soak weighs: on SIGUSR2 the garbage is collected, and what is left is written to
// `$P2PLIVE_WEIGH/<pid>.json`. Not part of any program.
const { writeFileSync, renameSync, readdirSync } = require('node:fs');
const path = require('node:path');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
let serial = 0;
process.on('SIGUSR2', () => {
  gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const handles = process.getActiveResourcesInfo().length;
  const fds = readdirSync('/proc/self/fd').length;
  const weight = { serial: ++serial, rss, heapUsed, external, handles, fds, cpuMs: (user + system) / 1_000 };
  const to = path.join(process.env.P2PLIVE_WEIGH, `${process.pid}.json`);
  writeFileSync(`${to}.new`, JSON.stringify(weight));
  renameSync(`${to}.new`, to);
});
