// The base64 of crypt(3): little-endian groups, an alphabet of its own. Called by md5-crypt and sha-crypt.

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `order`: the positions of the bytes, most significant first, in groups of three; the last group may be shorter. */
export function cryptBase64(bytes: Uint8Array, order: readonly (readonly number[])[]): string {
  let out = '';
  for (const group of order) {
    let value = group.reduce((sum, at) => (sum << 8) | (bytes[at] ?? 0), 0);
    for (let left = group.length + 1; left > 0; left -= 1) {
      out += ALPHABET[value & 63];
      value >>= 6;
    }
  }
  return out;
}
