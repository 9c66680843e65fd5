// Solves one challenge of altcha (version 2, PBKDF2/SHA-256): looks for the counter whose key begins with the prefix.
// In: a challenge. Out, again and again, `{ tries }`, and at last `{ solution }` in base64, as altcha's clients send it.
import { derive } from "./pbkdf2.js";

const SLICE = 64;

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function password(nonce, counter) {
  const whole = new Uint8Array(nonce.length + 4);
  whole.set(nonce);
  new DataView(whole.buffer).setUint32(nonce.length, counter);
  return whole;
}

async function solve(challenge) {
  const { algorithm, cost, keyLength, keyPrefix, nonce, salt } = challenge.parameters;
  if (algorithm !== "PBKDF2/SHA-256" || keyLength !== 32) throw new Error(`not known: ${algorithm}, ${keyLength}`);
  const [nonceBytes, saltBytes] = [bytesOf(nonce), bytesOf(salt)];
  for (let tries = 0; ; tries += SLICE) {
    postMessage({ tries });
    const slice = Array.from({ length: SLICE }, (_, i) => derive(password(nonceBytes, tries + i), saltBytes, cost));
    const keys = (await Promise.all(slice)).map(hexOf);
    const found = keys.findIndex((key) => key.startsWith(keyPrefix));
    if (found < 0) continue;
    const solution = { counter: tries + found, derivedKey: keys[found] };
    postMessage({ solution: btoa(JSON.stringify({ challenge, solution })) });
    return;
  }
}

addEventListener("message", (event) => {
  // What fails here must reach the page, which then goes on without: a rejected promise would not.
  solve(event.data).catch((error) => setTimeout(() => { throw error; }));
});
