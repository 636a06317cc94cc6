// The key that seals units. It stays the same over restarts, so that viewers with a ticket go on trusting.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../shared/log.ts';

const FILE = 'signing-key.pem';

export interface SigningKey {
  privateKey: KeyObject;
  /** Raw 32 bytes, base64url. */
  publicKey: string;
}

/** Reads the key of this folder, or makes one; where it can't be kept it lasts as long as the program. */
export function loadSigningKey(dataDir: string, log: Pick<Log, 'warn' | 'info'>): SigningKey {
  const path = join(dataDir, FILE);
  const kept = read(path, log);
  if (kept) return withPublic(kept);
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    chmodSync(path, 0o600);
    log.info({ path }, 'made a new signing key');
  } catch (error) {
    log.warn({ path, err: error }, 'the signing key can not be kept: a restart will make a new one');
  }
  return withPublic(privateKey);
}

function read(path: string, log: Pick<Log, 'warn'>): KeyObject | null {
  try {
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType === 'ed25519') return key;
    log.warn({ path }, 'that is not an Ed25519 key: making another');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn({ path, err: error }, 'the signing key can not be read');
  }
  return null;
}

const withPublic = (privateKey: KeyObject): SigningKey => ({
  privateKey,
  publicKey: createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '',
});
