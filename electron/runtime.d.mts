// Types of runtime.mjs, which runs before anything is built.

/** Path of the Electron program, or null while it is not here. */
export function installedElectron(): string | null;
/** Why no window can open on this machine at all, or null. */
export function whyNoWindow(): string | null;
/** Fetches the program once. @returns null when it is here, otherwise why not */
export function fetchElectron(): Promise<string | null>;
