// The library behind crypto.ts where the page is no secure context. A chunk of its own: most viewers never load it.
import { hashes, verify } from '@noble/ed25519';
import { sha256, sha512 } from '@noble/hashes/sha2.js';

hashes.sha512 = sha512;

export const nobleVerification = {
  sha256: (bytes: Uint8Array): Uint8Array => sha256(bytes),
  verify: (publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean => {
    try {
      return verify(signature, message, publicKey);
    } catch {
      return false; // a signature or key that is no point of the curve
    }
  },
};
