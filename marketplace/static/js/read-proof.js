// Reads the files that prove something: C2SP tlog-proof and signed notes, and the canonical bytes of terms.

import { unbase64 } from "./hash-file.js";

export const HEADER = "c2sp.org/tlog-proof";

export function parseProof(text) {
  const at = text.indexOf("\n\n");
  const [header, index, ...hashes] = text.slice(0, at).split("\n");
  const number = /^index (0|[1-9][0-9]{0,17})$/.exec(index ?? "");
  if (at < 0 || header !== `${HEADER}@v1` || !number || hashes.length > 64) return null;
  try {
    return parseNote(text.slice(at + 2), { index: number[1], path: hashes.map(unbase64) });
  } catch {
    return null;
  }
}

// C2SP signed-note around a tlog-checkpoint: its text, size, root and signature lines, with what is known already.
export function parseNote(note, { index, path }) {
  const at = note.lastIndexOf("\n\n");
  const [origin, size, root] = note.slice(0, Math.max(at, 0)).split("\n");
  const lines = note.slice(at + 2, -1).split("\n").map((line) => /^— (\S+) (\S+)$/.exec(line));
  if (at < 0 || !note.endsWith("\n") || lines.includes(null)) return null;
  if (!/^[1-9][0-9]{0,17}$/.test(size) || !/^[0-9]{1,18}$/.test(index)) return null;
  try {
    const signed = { origin, text: note.slice(0, at + 1), root: unbase64(root) };
    return { ...signed, index: BigInt(index), size: BigInt(size), path, lines };
  } catch {
    return null;
  }
}

// RFC 8785 for what terms hold: no fractions.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}
