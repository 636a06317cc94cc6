'use strict';
// Values as Electron's IPC carries them (structured clone), over JSON. Stands alone: it also runs inside the page, by its own text.
function values() {
  const toText = (bytes) => {
    let text = '';
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text);
  };
  const fromText = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const pack = (value) => {
    if (value === undefined) return { $: 'nothing' };
    if (value === null || ['string', 'boolean'].includes(typeof value)) return value;
    if (typeof value === 'number') return Number.isFinite(value) ? value : { $: 'number', value: String(value) };
    if (typeof value === 'function' || typeof value === 'symbol') throw new Error('An object could not be cloned.');
    if (value instanceof ArrayBuffer || Object.prototype.toString.call(value) === '[object ArrayBuffer]')
      return { $: 'buffer', value: toText(new Uint8Array(value)) };
    if (ArrayBuffer.isView(value))
      return { $: 'bytes', value: toText(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
    if (Array.isArray(value)) return value.map(pack);
    return { $: 'object', value: Object.fromEntries(Object.entries(value).map(([key, one]) => [key, pack(one)])) };
  };
  const unpack = (packed) => {
    if (packed === null || typeof packed !== 'object') return packed;
    if (Array.isArray(packed)) return packed.map(unpack);
    switch (packed.$) {
      case 'nothing':
        return undefined;
      case 'number':
        return Number(packed.value);
      case 'buffer':
        return fromText(packed.value).buffer;
      case 'bytes':
        return fromText(packed.value);
      default:
        return Object.fromEntries(Object.entries(packed.value).map(([key, one]) => [key, unpack(one)]));
    }
  };
  return { pack, unpack };
}

module.exports = { values };
