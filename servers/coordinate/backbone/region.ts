// Where a viewer is, by its address: the one place to replace for other ideas of geography. Asked in this order: the deployer's own
// module, the table of local networks, a trusted proxy's header, a MaxMind database; else the default region.
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ipaddr from 'ipaddr.js';
import { Reader, type Response } from 'mmdb-lib';
import { EXIT, StartError } from '../../shared/exit-codes.ts';
import type { RegionSettings } from '../settings.ts';
import type { Placement } from './assign.ts';
import { normalAddress, networkOf, type Network } from './addresses.ts';

/** What a deployer's module exports; null where it does not know. */
export interface RegionModule {
  regionOf(address: string, headers: IncomingHttpHeaders): string | null | Promise<string | null>;
}

export interface Regions {
  /** @param throughProxy the request came from a trusted proxy: its header may be believed */
  find(address: string, headers: IncomingHttpHeaders, throughProxy: boolean): Promise<Placement>;
}

const MAX_NAME_CHARS = 100;

/** @throws StartError(badSettings) when a database, module or network of the settings can't be used */
export async function loadRegions(settings: RegionSettings, warn: (detail: string) => void): Promise<Regions> {
  const lans = settings.lans
    .map(({ cidr, region }) => ({ network: networkOf(cidr), cidr, region }))
    .toSorted((a, b) => b.network[1] - a.network[1]); // the most particular first
  const database = settings.mmdb === undefined ? null : openDatabase(settings.mmdb);
  const own = settings.module === undefined ? null : await loadModule(settings.module);

  const ask = async (address: string, headers: IncomingHttpHeaders): Promise<string | null> => {
    try {
      return (await own?.regionOf(address, headers)) ?? null;
    } catch (error) {
      warn(`the region module failed: ${(error as Error).message}`);
      return null;
    }
  };

  return {
    async find(address, headers, throughProxy) {
      const named = await ask(address, headers);
      if (named !== null) return place([named], 'the region module says so');
      const ip = normalAddress(address);
      if (ip) {
        const lan = lans.find(({ network }) => matches(ip, network));
        if (lan) return place([lan.region], `${address} is in ${lan.cidr}`);
      }
      const header = settings.header === undefined ? undefined : headers[settings.header.toLowerCase()];
      if (throughProxy && typeof header === 'string' && header !== '')
        return place([header.slice(0, MAX_NAME_CHARS)], `the proxy's header ${settings.header} says so`);
      const found = ip && database ? namesOf(database.get(ip.toString())) : [];
      if (found.length > 0) return place(found, `the database knows ${address}`);
      return place([settings.default], `nothing places ${address}, so the default region`);
    },
  };
}

const place = (names: string[], why: string): Placement => ({ names, why });

const matches = (ip: ipaddr.IPv4 | ipaddr.IPv6, network: Network): boolean =>
  ip.kind() === network[0].kind() && ip.match(network);

interface AnyRecord {
  region?: unknown;
  continent?: { code?: unknown };
  country?: { iso_code?: unknown };
  subdivisions?: { iso_code?: unknown }[];
}

/** `DE-BE`, `DE`, `EU`; a database of one's own may simply say `region`. */
function namesOf(record: unknown): string[] {
  const { region, continent, country, subdivisions } = (record ?? {}) as AnyRecord;
  const land = country?.iso_code;
  const part = Array.isArray(subdivisions) ? subdivisions[0]?.iso_code : undefined;
  const names = [region, typeof part === 'string' ? `${String(land)}-${part}` : undefined, land, continent?.code];
  return names.filter((name) => typeof name === 'string' && name !== '') as string[];
}

function openDatabase(path: string): Reader<Response> {
  try {
    return new Reader<Response>(readFileSync(path));
  } catch (error) {
    throw new StartError(
      EXIT.badSettings,
      `The region database ${path} can not be read (${(error as Error).message}): give the path of an .mmdb file.`,
    );
  }
}

async function loadModule(path: string): Promise<RegionModule> {
  try {
    const loaded = (await import(pathToFileURL(resolve(path)).href)) as Partial<RegionModule>;
    if (typeof loaded.regionOf !== 'function') throw new Error('it does not export a function regionOf');
    return { regionOf: loaded.regionOf };
  } catch (error) {
    throw new StartError(EXIT.badSettings, `The region module ${path} can not be used: ${(error as Error).message}.`);
  }
}
