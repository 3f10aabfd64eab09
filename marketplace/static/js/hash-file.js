// Hashes in the browser: SHA-256 of files, and the tree of RFC 6962. Nothing here sends anything.

export const canHash = Boolean(globalThis.crypto?.subtle); // absent on pages that came without TLS

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const unhex = (text) => Uint8Array.from(text.match(/[0-9a-f]{2}/g) ?? [], (pair) => parseInt(pair, 16));
export const unbase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export async function sha256(...parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export const leafHash = (data) => sha256([0], data);
const nodeHash = (left, right) => sha256([1], left, right);

// RFC 9162, section 2.1.3.2: the root that the path leads to, or null where its length is not the tree's.
export async function rootOf({ leaf, index, size, path }) {
  if (!(index >= 0n && index < size)) return null;
  let position = index, last = size - 1n, found = leaf;
  for (const sibling of path) {
    if (last === 0n || sibling.length !== 32) return null;
    if (position & 1n || position === last) {
      found = await nodeHash(sibling, found);
      while (!(position & 1n) && position) [position, last] = [position >> 1n, last >> 1n];
    } else {
      found = await nodeHash(found, sibling);
    }
    [position, last] = [position >> 1n, last >> 1n];
  }
  return last === 0n ? found : null;
}
