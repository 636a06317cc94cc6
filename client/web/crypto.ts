// SHA-256 and Ed25519 in a page: the browser's own where it has them, an audited library (loaded only then) where it has not, as on
// plain http:// addresses.

interface Verification {
  sha256(bytes: Uint8Array): Promise<Uint8Array> | Uint8Array;
  verify(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean> | boolean;
}

type Bytes = Uint8Array<ArrayBuffer>;

export async function createVerification(): Promise<Verification> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (!subtle) return (await import('./noble.ts')).nobleVerification;
  const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await subtle.digest('SHA-256', bytes as Bytes));
  const hasEd25519 = await subtle.importKey('raw', new Uint8Array(32), 'Ed25519', false, ['verify']).then(
    () => true,
    () => false,
  );
  if (!hasEd25519) return { sha256, verify: (await import('./noble.ts')).nobleVerification.verify };
  let imported: { raw: string; key: Promise<CryptoKey> } | null = null;
  return {
    sha256,
    async verify(publicKey, signature, message) {
      const raw = publicKey.join();
      if (imported?.raw !== raw)
        imported = { raw, key: subtle.importKey('raw', publicKey as Bytes, 'Ed25519', false, ['verify']) };
      const key = await imported.key.catch(() => null);
      return key !== null && subtle.verify('Ed25519', key, signature as Bytes, message as Bytes);
    },
  };
}
