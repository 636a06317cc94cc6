// The kinds of value a setting can have: how each is written as text (flag, environment), what is allowed, and its schema.
// Which settings exist is settings-table.ts.
import ipaddr from 'ipaddr.js';
import * as v from 'valibot';
import { IceServer, StreamName } from '../../protocol/fields.ts';

export interface Kind<T> {
  /** Checks a value from YAML, or what `fromText` made of a text. */
  schema: v.GenericSchema<unknown, T>;
  /** How help shows the value; null for a switch that takes none. */
  placeholder: string | null;
  /** Completes the sentence "… must be". */
  allowed: string;
  fromText(text: string): unknown;
  /** The inverse of `fromText`: the control plane passes settings on with it. */
  toText(value: T): string;
  /** Never printed, passed on by environment only, readable from a file (`--…-file`). */
  secret?: boolean;
  /** The flag may be repeated. */
  many?: boolean;
}

const NUMBER = /^-?\d+(\.\d+)?$/;
const asNumber = (text: string): unknown => (NUMBER.test(text.trim()) ? Number(text) : text);
const splitList = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function text(placeholder: string, allowed: string, check: (value: string) => boolean): Kind<string> {
  return {
    schema: v.pipe(v.string(), v.check(check)),
    placeholder,
    allowed,
    fromText: (given) => given.trim(),
    toText: (value) => value,
  };
}

/** Several of another kind, separated by commas in text. */
function list<T>(of: Kind<T>, allowed: string): Kind<T[]> {
  return {
    schema: v.pipe(v.array(of.schema), v.maxLength(1_000)),
    placeholder: `${of.placeholder},...`,
    allowed,
    fromText: (given) => splitList(given).map((part) => of.fromText(part)),
    toText: (value) => value.map((item) => of.toText(item)).join(','),
    many: true,
  };
}

/** An address whose trailing slash, if any, is dropped. */
function address(protocols: readonly string[], allowed: string): Kind<string> {
  const parse = (given: string): URL | null => (URL.canParse(given) ? new URL(given) : null);
  return {
    schema: v.pipe(
      v.string(),
      v.maxLength(2_048),
      v.check((given) => protocols.includes(parse(given)?.protocol ?? '')),
      v.transform((given) => given.replace(/\/+$/, '')),
    ),
    placeholder: 'URL',
    allowed,
    fromText: (given) => given.trim(),
    toText: (value) => value,
  };
}

export function whole(least: number, most: number, placeholder = 'N'): Kind<number> {
  return {
    schema: v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most)),
    placeholder,
    allowed: `a whole number from ${least} to ${most}`,
    fromText: asNumber,
    toText: String,
  };
}

export function amount(least: number, most: number): Kind<number> {
  return {
    schema: v.pipe(v.number(), v.finite(), v.minValue(least), v.maxValue(most)),
    placeholder: 'N',
    allowed: `a number from ${least} to ${most}`,
    fromText: asNumber,
    toText: String,
  };
}

export function oneOf<const T extends string | number>(values: readonly T[]): Kind<T> {
  return {
    schema: v.picklist(values) as v.GenericSchema<unknown, T>,
    placeholder: values.join('|'),
    allowed: `one of ${values.join(', ')}`,
    fromText: (given) => values.find((value) => String(value) === given.trim()) ?? given.trim(),
    toText: String,
  };
}

export const port: Kind<number> = {
  ...whole(0, 65_535, 'PORT'),
  allowed: 'a port from 0 to 65535 (0 takes any free one)',
};

export const portOrOff: Kind<number | null> = {
  schema: v.union([v.null(), port.schema]),
  placeholder: 'PORT|off',
  allowed: 'a port from 0 to 65535 (0 takes any free one), or off',
  fromText: (given) => (given.trim() === 'off' ? null : asNumber(given)),
  toText: (value) => (value === null ? 'off' : String(value)),
};

const TRUE = ['1', 'true', 'yes', 'on', ''];
const FALSE = ['0', 'false', 'no', 'off'];
export const yesNo: Kind<boolean> = {
  schema: v.boolean(),
  placeholder: null,
  allowed: 'true or false',
  fromText(given) {
    const word = given.trim().toLowerCase();
    return TRUE.includes(word) ? true : FALSE.includes(word) ? false : given;
  },
  toText: String,
};

export const host = text('HOST', 'an address of this machine (127.0.0.1 for itself only, 0.0.0.0 for all)', (given) =>
  /^[A-Za-z0-9.:_-]{1,253}$/.test(given),
);
export const word = text('NAME', 'a name of letters, digits, dots, dashes and underscores', (given) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(given),
);
export const identity = text(
  'ID',
  'a small letter followed by 3 to 40 letters, digits, dashes or underscores',
  (given) => /^[a-z][A-Za-z0-9_-]{3,40}$/.test(given),
);
export const streamName = text('NAME', 'a stream name of letters, digits, dashes and underscores', (given) =>
  v.is(StreamName, given),
);
export const headerName = text('HEADER', 'the name of an HTTP header', (given) => /^[A-Za-z0-9-]{1,100}$/.test(given));
export const path = text('PATH', 'a path', (given) => given !== '' && !given.includes('\0'));
export const secret: Kind<string> = {
  ...text('SECRET', 'at least 16 characters without spaces (p2plive secret makes one)', (given) =>
    /^\S{16,500}$/.test(given),
  ),
  secret: true,
};
export const streamKey: Kind<string> = {
  ...text('KEY', 'at least 8 characters without spaces', (given) => /^\S{8,500}$/.test(given)),
  secret: true,
};

export const httpUrl = address(['http:', 'https:'], 'an address like http://host:8080');
export const socketUrl = address(['ws:', 'wss:'], 'an address like ws://host:9998/pull');
export const httpUrls = list(httpUrl, 'addresses like http://host:9090, separated by commas');
export const socketUrls = list(socketUrl, 'addresses like ws://host:9999/push, separated by commas');

const network = text('CIDR', 'a network like 10.1.0.0/16', (given) =>
  given.includes('/') ? ipaddr.isValidCIDR(given) : ipaddr.isValid(given),
);
export const networks = list(network, 'addresses or networks like 10.1.0.0/16, separated by commas');

export interface Lan {
  cidr: string;
  region: string;
}
const lan: Kind<Lan> = {
  schema: v.strictObject({ cidr: network.schema, region: word.schema }),
  placeholder: 'CIDR=REGION',
  allowed: 'a network and its region',
  fromText(given) {
    const [cidr = '', region = ''] = given.split('=');
    return { cidr: cidr.trim(), region: region.trim() };
  },
  toText: (value) => `${value.cidr}=${value.region}`,
};
export const lans = list(lan, 'networks with their regions like 10.1.0.0/16=campus, separated by commas');

/** A key per stream: `name=key,name=key`. */
export const streamKeys: Kind<Record<string, string>> = {
  schema: v.record(StreamName, streamKey.schema),
  placeholder: 'NAME=KEY,...',
  allowed: 'stream names with keys of at least 8 characters like concert=KEY, separated by commas',
  fromText: (given) => Object.fromEntries(splitList(given).map((part) => pair(part))),
  toText: (value) =>
    Object.entries(value)
      .map(([name, key]) => `${name}=${key}`)
      .join(','),
  secret: true,
};
function pair(part: string): [string, string] {
  const at = part.indexOf('=');
  return at < 0 ? [part, ''] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
}

export type IceServers = IceServer[];
/** As text: addresses separated by commas, or JSON where one needs a name and credential. */
export const iceServers: Kind<IceServers> = {
  schema: v.pipe(
    v.array(IceServer),
    v.maxLength(16),
    v.check((servers) =>
      servers.every((server) => [server.urls].flat().every((url) => /^(stuns?|turns?):\S+$/.test(url))),
    ),
  ),
  placeholder: 'URL,...',
  allowed: 'addresses like stun:host:3478 separated by commas, or a JSON list of {urls, username, credential}',
  fromText(given) {
    if (!given.trim().startsWith('[')) return splitList(given).map((urls) => ({ urls }));
    try {
      return JSON.parse(given) as unknown;
    } catch {
      return given;
    }
  },
  toText: (value) => JSON.stringify(value),
  secret: true,
};
