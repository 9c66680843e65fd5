// PBKDF2 with HMAC-SHA-256 (RFC 8018, FIPS 180-4) for one block of 32 bytes: by WebCrypto where the page's context is
// secure, else, on a page that came by plain HTTP, computed here.
// Passwords of at most 64 bytes, salts of at most 51, so that each is one block of SHA-256.

const BLOCK_BYTES = 64;
// The first 32 bits of the fractions of the square roots of the first 8 primes, and of the cube roots of the first 64.
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
const START = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const ROUNDS = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const schedule = new Int32Array(64);
const turned = (word, bits) => (word >>> bits) | (word << (32 - bits));

// One step of SHA-256: 16 words of `block` into the 8 words of `state`, from which `out` comes.
function compress(state, block, out) {
  for (let i = 0; i < 16; i++) schedule[i] = block[i];
  for (let i = 16; i < 64; i++) {
    const early = schedule[i - 15];
    const late = schedule[i - 2];
    const small0 = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
    const small1 = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    schedule[i] = (schedule[i - 16] + small0 + schedule[i - 7] + small1) | 0;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < 64; i++) {
    const large1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const first = (h + large1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + schedule[i]) | 0;
    const large0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const second = (large0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  out[0] = state[0] + a;
  out[1] = state[1] + b;
  out[2] = state[2] + c;
  out[3] = state[3] + d;
  out[4] = state[4] + e;
  out[5] = state[5] + f;
  out[6] = state[6] + g;
  out[7] = state[7] + h;
}

// `bytes` as a block's 16 words, each byte mixed with `mask`.
function words(bytes, mask = 0) {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(bytes);
  const view = new DataView(block.map((byte) => byte ^ mask).buffer);
  return Int32Array.from({ length: 16 }, (_, i) => view.getInt32(4 * i));
}

// The last block of a message that one block of the key came before.
function last(bytes) {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(bytes);
  block[bytes.length] = 0x80;
  new DataView(block.buffer).setUint32(BLOCK_BYTES - 4, 8 * (BLOCK_BYTES + bytes.length));
  return words(block);
}

export function computed(password, salt, rounds) {
  const inner = new Int32Array(8);
  const outer = new Int32Array(8);
  compress(START, words(password, 0x36), inner);
  compress(START, words(password, 0x5c), outer);
  const block = last(new Uint8Array(32));
  const key = new Int32Array(8);
  for (let round = 0; round < rounds; round++) {
    compress(inner, round ? block : last(Uint8Array.of(...salt, 0, 0, 0, 1)), block);
    compress(outer, block, block);
    for (let i = 0; i < 8; i++) key[i] ^= block[i];
  }
  const bytes = new DataView(new ArrayBuffer(32));
  key.forEach((word, i) => bytes.setInt32(4 * i, word));
  return new Uint8Array(bytes.buffer);
}

async function byWebCrypto(password, salt, iterations) {
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, key, 256));
}

// The key, or its promise.
export const derive = globalThis.crypto?.subtle ? byWebCrypto : computed;
