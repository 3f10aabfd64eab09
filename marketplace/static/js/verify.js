// Verifies a file in the browser: what it is is seen from its first bytes, and only its hash, or the number of the
// entry that a proof names, is asked of the house. Without this module the form sends the file itself.

import { canHash, hex, leafHash, rootOf, sha256, unbase64, unhex } from "./hash-file.js";
import { HEADER, canonical, parseNote, parseProof } from "./read-proof.js";

const LARGEST_TEXT = 2_000_000;
const form = document.getElementById("drop");
const input = form.querySelector("input[type=file]");
const status = form.querySelector("[data-status]");
const result = document.getElementById("result");
const utf8 = new TextEncoder();
const same = (one, other) => Boolean(one && other) && hex(one) === hex(other);

class Unanswered extends Error {}

async function get(address, options) {
  try {
    return await fetch(address, options);
  } catch {
    throw new Unanswered(address);
  }
}

async function verify(file) {
  status.textContent = `${status.dataset.working} ${file.name} …`;
  let bytes;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch {
    status.textContent = status.dataset.tooLarge;
    return;
  }
  const digest = hex(await sha256(bytes));
  try {
    show(await finding(digest, bytes), digest);
    status.textContent = `${file.name}: SHA-256 ${digest}`;
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    status.textContent = status.dataset.offline;
  }
}

async function finding(digest, bytes) {
  const known = await ask(digest);
  if (known.dataset.known === "yes") return known;
  let checks;
  try {
    checks = await checksOf(bytes);
  } catch (error) {
    if (error instanceof Unanswered) throw error;
    checks = [["proof", "fail"]]; // a file that is built to be odd
  }
  return checks.length ? tell(checks) : known;
}

function show(found, digest) {
  result.replaceChildren(found);
  history.replaceState(null, "", `${form.dataset.ask}?q=${digest}`);
  found.querySelector("h2").focus();
}

async function ask(digest) {
  const answer = await get(`${form.dataset.ask}?q=${digest}`, { headers: { "HX-Request": "true" } });
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-known]");
  if (!found) throw new Unanswered(answer.url);
  return document.adoptNode(found);
}

// Each check is [code, state, value]; the words stand in the page's template.
async function checksOf(bytes) {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return [["report", "wait"]];
  if (bytes.length > LARGEST_TEXT) return [];
  const text = new TextDecoder().decode(bytes);
  if (text.startsWith(HEADER)) return ofProof(parseProof(text));
  let facts;
  try {
    facts = JSON.parse(text);
  } catch {
    return [];
  }
  return facts?.proof ? ofCertificate(facts) : [];
}

async function ofProof(proof) {
  if (!proof) return [["proof", "fail"]];
  const entry = await entryBytes(proof.index);
  const leaf = entry && (await leafHash(entry));
  const root = leaf && (await rootOf({ ...proof, leaf }));
  const included = entry ? (same(root, proof.root) ? "pass" : "fail") : "wait";
  const others = proof.lines.length - 1;
  return [
    ["proof", "pass", `#${proof.index}`],
    ["entry", entry ? "pass" : "wait", leaf && hex(leaf)],
    ["inclusion", included, hex(proof.root)],
    ["signature", ...(await signatureOf(proof))],
    ...(others > 0 ? [["others", "wait", String(others)]] : []),
  ];
}

async function ofCertificate(facts) {
  const given = facts.proof;
  const path = Array.isArray(given.path) ? given.path.map((step) => unhex(String(step))) : null;
  const proof = parseNote(String(given.checkpoint), { index: String(given.index), path });
  if (!proof || !path) return [["proof", "fail"]];
  const checks = await ofProof(proof);
  const entry = await entryBytes(proof.index);
  const differing = entry ? differences(facts, JSON.parse(new TextDecoder().decode(entry))) : [];
  const compared = entry ? (differing.length ? "fail" : "pass") : "wait";
  const terms = hex(await sha256(utf8.encode(canonical(facts.terms))));
  return [
    ...checks,
    ["facts", compared, differing.join(", ")],
    ["terms", terms === facts.terms_sha256 ? "pass" : "fail", terms],
  ];
}

function differences(facts, document) {
  const { refs, body, subject } = document;
  const said = { number: subject, terms_sha256: refs.policy, asset: refs.asset, purpose: body.purpose, basis: body.basis };
  return Object.keys(said).filter((name) => (facts[name] ?? "") !== (said[name] ?? ""));
}

async function entryBytes(index) {
  const answer = await get(form.dataset.entry.replace("/0.json", `/${index}.json`));
  return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
}

// Ed25519 by a log key of the policy that may sign this size; the key's octet 1 is its kind.
async function signatureOf({ origin, text, size, lines }) {
  const answer = await get(form.dataset.policy);
  const policy = answer.ok ? (await answer.text()).split("\n").map((line) => line.split(" ")) : [];
  const keys = policy.filter(([word, vkey]) => word === "log" && vkey.startsWith(`${origin}+`)).map(([, vkey]) => vkey);
  if (!answer.ok) return ["wait"];
  for (const vkey of keys) {
    const [id, encoded] = [vkey.slice(origin.length + 1, origin.length + 9), vkey.slice(origin.length + 10)];
    const range = policy.find(([word, key]) => word === "#valid" && key === `${origin}+${id}`);
    if (range && (size < BigInt(range[2]) || (range[3] !== "-" && size > BigInt(range[3])))) continue;
    for (const [, name, packed] of lines) {
      try {
        const line = unbase64(packed), key = unbase64(encoded);
        if (name !== origin || hex(line.slice(0, 4)) !== id || key[0] !== 1) continue;
        const known = await crypto.subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
        const holds = await crypto.subtle.verify({ name: "Ed25519" }, known, line.slice(4), utf8.encode(text));
        return holds ? ["pass", `${origin}+${id}`] : ["fail"];
      } catch (error) {
        if (error instanceof DOMException && error.name === "NotSupportedError") return ["wait"];
        return ["fail"];
      }
    }
  }
  return ["fail"];
}

function tell(checks) {
  const shown = document.getElementById("browser-checks").content.firstElementChild.cloneNode(true);
  const states = checks.map(([, state]) => state);
  const essential = checks.some(([code, state]) => state === "wait" && code !== "others");
  keep(shown.querySelector("h2"), states.includes("fail") ? "fail" : essential ? "wait" : "pass");
  for (const item of shown.querySelectorAll("[data-check]")) {
    const check = checks.find(([code]) => code === item.dataset.check);
    if (!check) {
      item.remove();
      continue;
    }
    item.className = check[1];
    keep(item, check[1]);
    for (const place of item.querySelectorAll("[data-value]")) place.textContent = check[2] ?? "";
  }
  return shown;
}

function keep(element, state) {
  for (const part of element.querySelectorAll("[data-when]")) if (part.dataset.when !== state) part.remove();
}

if (canHash) {
  for (const part of form.querySelectorAll("[data-when-local]")) part.hidden = false;
  for (const part of form.querySelectorAll("[data-when-sent]")) part.hidden = true;
  input.addEventListener("change", () => input.files.length && verify(input.files[0]));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) verify(event.dataTransfer.files[0]);
  });
}
