// What the forward wants to be told. The loader and the documentation of each setting are in servers/shared.

export interface ForwardSettings {
  host: string;
  pushPort: number;
  pullPort: number;
  /** How others reach both ports when that differs from host and port. */
  publicUrl?: string;
  pushUrl?: string;
  pullUrl?: string;
  /** Base URLs. */
  trackers: readonly string[];
  /** Base URL of the coordinate to dial, where it cannot dial us. */
  upstream?: string;
  meshSecret?: string;
  debugToken?: string;
  region: string;
  id?: string;
  /** Slices served at once. */
  maxChildren: number;
  maxEgressBitsPerSecond?: number;
}
