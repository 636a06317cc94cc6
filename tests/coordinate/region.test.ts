// Where viewers are, by a database and a module of the deployer's own that work: both are made here, the database byte by byte.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadRegions } from '../../servers/coordinate/backbone/region.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'p2plive-region-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Value = string | number | Value[] | { [key: string]: Value };

/** A value of the MaxMind DB format, version 2: a byte of type and size, then the contents. */
function encode(value: Value): Buffer {
  if (typeof value === 'string') return Buffer.concat([Buffer.from([(2 << 5) | value.length]), Buffer.from(value)]);
  if (typeof value === 'number') return Buffer.from([(6 << 5) | 4, value >>> 24, value >>> 16, value >>> 8, value]);
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([value.length, 11 - 7]), ...value.map(encode)]);
  const entries = Object.entries(value).flatMap(([key, one]) => [encode(key), encode(one)]);
  return Buffer.concat([Buffer.from([(7 << 5) | (entries.length / 2)]), ...entries]);
}

/** A database of IPv4 networks: a tree of their bits with 24 bits a branch, the records, and what describes it. */
function database(networks: Record<string, Value>): Buffer {
  const nodes: (number | string | null)[][] = [[null, null]];
  for (const cidr of Object.keys(networks)) {
    const [address = '', length = ''] = cidr.split('/');
    const bits = address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
    let at = 0;
    for (const [i, bit] of bits.slice(0, Number(length)).split('').entries()) {
      const branch = nodes[at] ?? [];
      const side = Number(bit);
      if (i === Number(length) - 1) branch[side] = cidr;
      else {
        if (typeof branch[side] !== 'number') branch[side] = nodes.push([null, null]) - 1;
        at = branch[side];
      }
    }
  }
  const places = new Map<string, number>();
  const records: Buffer[] = [];
  for (const [cidr, value] of Object.entries(networks)) {
    places.set(cidr, Buffer.concat(records).length);
    records.push(encode(value));
  }
  const tree = Buffer.alloc(nodes.length * 6);
  for (const [i, branch] of nodes.entries())
    for (const [side, to] of branch.entries()) {
      const record =
        to === null ? nodes.length : typeof to === 'number' ? to : nodes.length + 16 + (places.get(to) ?? 0);
      tree.writeUIntBE(record, i * 6 + side * 3, 3);
    }
  const described = encode({
    node_count: nodes.length,
    record_size: 24,
    ip_version: 4,
    database_type: 'Test',
    languages: ['en'],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 0,
    description: { en: 'test' },
  });
  const marker = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')]);
  return Buffer.concat([tree, Buffer.alloc(16), ...records, marker, described]);
}

const mmdb = path.join(folder, 'places.mmdb');
writeFileSync(
  mmdb,
  database({
    '203.0.113.0/24': { country: { iso_code: 'DE' }, continent: { code: 'EU' }, subdivisions: [{ iso_code: 'BE' }] },
    '198.51.100.0/24': { region: 'north' },
  }),
);

describe('the region of an address', () => {
  it('is what a database says, from the particular to the general; a local network comes before it', async () => {
    const lans = [{ cidr: '203.0.113.128/25', region: 'campus' }];
    const regions = await loadRegions({ lans, default: 'elsewhere', mmdb }, () => undefined);
    expect(await regions.find('203.0.113.7', {}, false)).toEqual({
      names: ['DE-BE', 'DE', 'EU'],
      why: 'the database knows 203.0.113.7',
    });
    expect((await regions.find('198.51.100.1', {}, false)).names).toEqual(['north']);
    expect((await regions.find('203.0.113.200', {}, false)).names).toEqual(['campus']);
    expect((await regions.find('192.0.2.1', {}, false)).names).toEqual(['elsewhere']);
  });

  it('is what the deployer’s module says; where it fails or does not know, the rest is asked', async () => {
    const module = path.join(folder, 'own.mjs');
    writeFileSync(
      module,
      `export const regionOf = (address, headers) => {
        if (address === '198.51.100.9') throw new Error('out of order');
        return headers['x-house'] ?? null;
      };`,
    );
    const warnings: string[] = [];
    const regions = await loadRegions({ lans: [], default: 'elsewhere', mmdb, module }, (detail) =>
      warnings.push(detail),
    );
    expect((await regions.find('203.0.113.7', { 'x-house': 'seven' }, false)).names).toEqual(['seven']);
    expect((await regions.find('203.0.113.7', {}, false)).names).toEqual(['DE-BE', 'DE', 'EU']);
    expect((await regions.find('198.51.100.9', {}, false)).names).toEqual(['north']);
    expect(warnings).toEqual(['the region module failed: out of order']);
  });
});
