// `npm ci` refuses a lock that lacks an optional package of another platform, and a package manager that could not find one leaves
// it out without a word.
import { expect, it } from 'vitest';
import { read } from './tree.ts';

interface Locked {
  version?: string;
  optionalDependencies?: Record<string, string>;
}

it('package-lock.json has every optional package that its packages name', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
  const missing: string[] = [];
  for (const [where, { optionalDependencies = {} }] of Object.entries(packages))
    for (const [name, wanted] of Object.entries(optionalDependencies)) {
      const found = lookUp(packages, where, name);
      if (!found || (/^\d/.test(wanted) && found.version !== wanted)) missing.push(`${name}@${wanted}, for ${where}`);
    }
  expect(missing).toEqual([]);
});

/** As Node finds it: beside the package, then in each folder above. */
function lookUp(packages: Record<string, Locked>, where: string, name: string): Locked | undefined {
  for (let at = where; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const found = packages[at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`];
    if (found || at === '') return found;
  }
}
