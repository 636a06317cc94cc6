// What the coordinate needs to know; the loader is servers/shared/settings.ts, the words for people are there too.

export interface RegionSettings {
  /** Networks by address, most particular first: a campus with its own tracker. */
  lans: { cidr: string; region: string }[];
  /** Path of a MaxMind database (city or country). */
  mmdb?: string;
  /** A header in which a trusted proxy names the region. */
  header?: string;
  /** Path of a deployer's module exporting `regionOf(address, headers)`. */
  module?: string;
  /** Where nothing else says. */
  default: string;
}

export interface CoordinateSettings {
  host: string;
  port: number;
  /** How the world reaches this coordinate (`https://live.example.org`): every address handed out derives from it. */
  publicUrl?: string;
  /** Carry the trackers' and forwards' sockets on this port; implied by publicUrl. */
  carry: boolean;
  /** Shared by coordinate, trackers and forwards. */
  meshSecret?: string;
  debugToken?: string;
  dataDir: string;
  /** For every name that has none of its own. */
  streamKey?: string;
  streamKeys: Record<string, string>;
  /** Base addresses of trackers that do not register by themselves. */
  trackers: string[];
  /** Push addresses of forwards that no tracker tells of. */
  forwards: string[];
  /** A push that sends nothing for so long is interrupted. */
  ingestIdleMs: number;
  /** Length of a unit. */
  unitMs: number;
  ffmpeg?: string;
  /** Pushes whose pictures may be transcoded at once; 0: by the machine's cores. */
  maxTranscodes: number;
  /** CIDR ranges whose `x-forwarded-for` is believed. */
  trustedProxies: string[];
  region: RegionSettings;
  /** The built viewer page; default: `web/` beside the program. */
  webDir?: string;
}
