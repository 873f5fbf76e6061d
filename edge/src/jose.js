// Signatures by WebCrypto, and key sets over `fetch`. No decision is taken here.

/** The algorithms by their names in a JWT. */
const ALGORITHMS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
};

/** What stands before the seed of an Ed25519 key in PKCS #8 (RFC 8410, section 7). */
const PKCS8 = Uint8Array.fromHex("302e020100300506032b657004220420");

/** The public keys that were imported, by algorithm and JWK. Keys and no promises, which belong to the request that made them. */
const imported = new Map();
const KEYS = 256;

const encoder = new TextEncoder();

/** Did the key sign `message`? `key` is a public JWK, as text. */
export async function verify(alg, key, message, signature) {
  // A copy, and before anything is awaited: the view is of Wasm's memory, which may move.
  const bytes = signature.slice();
  const algorithm = ALGORITHMS[alg];
  const name = `${alg} ${key}`;
  let known = imported.get(name);
  if (!known) {
    known = await crypto.subtle.importKey("jwk", JSON.parse(key), algorithm, false, ["verify"]);
    if (imported.size >= KEYS) imported.clear();
    imported.set(name, known);
  }
  return crypto.subtle.verify(algorithm, known, bytes, encoder.encode(message));
}

/** Signs by the Ed25519 key of this seed. */
export async function sign(seed, message) {
  const key = await pair(seed, false);
  return new Uint8Array(await crypto.subtle.sign(ALGORITHMS.EdDSA, key, encoder.encode(message)));
}

/** The public half of that key, 32 bytes. */
export async function publicHalf(seed) {
  const { x } = await crypto.subtle.exportKey("jwk", await pair(seed, true));
  return Uint8Array.fromBase64(x, { alphabet: "base64url" });
}

function pair(seed, extractable) {
  const document = new Uint8Array(PKCS8.length + seed.length);
  document.set(PKCS8);
  document.set(seed, PKCS8.length);
  return crypto.subtle.importKey("pkcs8", document, ALGORITHMS.EdDSA, extractable, ["sign"]);
}

/** The document at this address and no other, of at most `most` bytes, if it comes whole within `ms`. */
export async function fetchJwks(address, most, ms) {
  const response = await fetch(address, {
    // Issuers behind a firewall may refuse who does not say what it is.
    headers: { accept: "application/jwk-set+json, application/json", "user-agent": "pincel" },
    // A cache on the way would keep a key alive that the issuer has taken back.
    cache: "no-store",
    redirect: "manual",
    signal: AbortSignal.timeout(ms),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the issuer answered ${response.status}`);
  }
  const chunks = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (length > most) throw new Error(`the issuer's keys are longer than ${most} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
