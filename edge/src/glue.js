// What has to stay in JavaScript: streams of picture bytes, which never enter Wasm on their way through, and the two ends
// of a request, which cross the border to Wasm in one call each. No decision is taken here.

/** The headers that matter, in the order in which `router.rs` knows them. */
const NAMES = [
  "authorization",
  "cache-control",
  "if-none-match",
  "if-range",
  "range",
  "x-pincel-take",
  "traceparent",
  "content-type",
  "last-event-id",
];

/** Method, URL and the headers that matter of a request, one a line; a header that is absent is an empty line. */
export function lines(request) {
  let text = `${request.method}\n${request.url}`;
  for (const name of NAMES) text += `\n${request.headers.get(name) ?? ""}`;
  return text;
}

/** The body, or undefined once it is longer than `most` bytes. */
export async function body(request, most) {
  if (Number(request.headers.get("content-length")) > most) return undefined;
  const chunks = [];
  let length = 0;
  if (request.body) {
    for await (const chunk of request.body) {
      length += chunk.byteLength;
      if (length > most) return undefined;
      chunks.push(chunk);
    }
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** `head` is a name and a value in turn, one a line. */
export function respond(status, head, body) {
  const headers = new Headers();
  const parts = head.split("\n");
  for (let at = 0; at + 1 < parts.length; at += 2) headers.append(parts[at], parts[at + 1]);
  return new Response(body, { status, headers });
}

export function random(bytes) {
  crypto.getRandomValues(bytes);
}

/** What the cache of this data centre has under `url`: its body and the length of the whole, or undefined. */
export async function cached(url, range) {
  const found = await caches.default.match(range ? new Request(url, { headers: { range } }) : url);
  if (found?.status !== (range ? 206 : 200)) return undefined;
  const length = range ? found.headers.get("content-range")?.split("/")[1] : found.headers.get("content-length");
  return { body: found.body, length: Number(length ?? -1) };
}

/** A picture that passes through, checked and kept as `source` says. */
export function pass(context, source) {
  if (!source.digest) return source.body;
  const { readable, writable } = new FixedLengthStream(source.length);
  context.waitUntil(pump(checked(context, source), writable));
  return readable;
}

/** One document of texts and pictures in base64. */
export function document(context, pieces, length) {
  const { readable, writable } = new FixedLengthStream(length);
  context.waitUntil(pump(written(context, pieces), writable));
  return readable;
}

/** `length` bytes of a stream, from `start` on, for a store that cannot read a part. */
export function section(context, stream, start, length) {
  const { readable, writable } = new FixedLengthStream(length);
  context.waitUntil(pump(cut(stream, start, length), writable));
  return readable;
}

/** The bodies that follow each other in one response. */
export async function split(response, lengths) {
  const bytes = await response.arrayBuffer();
  let at = 0;
  return lengths.map((length) => {
    const part = new Response(bytes.slice(at, at + length)).body;
    at += length;
    return part;
  });
}

/**
 * A stream in blocks of up to `size` bytes: by itself it comes in pieces of 4 KiB, and each costs a turn of the event loop. Two buffers
 * take turns, so that one can be filled while the block before it is still held. `length` is how many bytes come, if that is known.
 */
async function* blocks(stream, size, length = Infinity) {
  const reader = stream.getReader({ mode: "byob" });
  const block = Math.min(size, length);
  const buffers = [];
  let seen = 0;
  let ended = false;
  try {
    for (let at = 0; !ended; at ^= 1) {
      const { done, value } = await reader.readAtLeast(block, new Uint8Array(buffers[at] ?? new ArrayBuffer(block)));
      if (value) buffers[at] = value.buffer;
      seen += value?.byteLength ?? 0;
      ended = done || seen >= length;
      if (value?.byteLength > 0) yield value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => {});
  }
}

/** Of pictures on their way out there may be hundreds at once in an isolate; of replies of the provider there are few. */
const OUTWARD = 128 * 1024;
const INWARD = 256 * 1024;

/** The provider's reply, block by block. A block is good until the next one is asked for. */
export class Reader {
  constructor(stream) {
    this.blocks = blocks(stream, INWARD);
  }

  async read() {
    return (await this.blocks.next()).value;
  }
}

/** The bytes of one picture while it is being made: held outside of Wasm, whose memory never shrinks. */
export class Sheet {
  constructor() {
    this.chunks = [];
    this.length = 0;
  }

  write(view) {
    // A copy: the view is of Wasm's memory, which may move.
    const chunk = view.slice();
    this.chunks.push(chunk);
    this.length += chunk.byteLength;
  }

  async digest() {
    const hash = new Hash(this.length);
    for (const chunk of this.chunks) await hash.write(chunk);
    return hash.end();
  }

  stream() {
    return joined([this]);
  }
}

/** SHA-256 of `length` bytes. What comes in one piece is hashed in one call, which is most pictures; the rest as a stream. */
class Hash {
  constructor(length) {
    this.length = length;
  }

  async write(chunk) {
    if (chunk.byteLength === this.length) {
      this.whole = chunk;
      return;
    }
    if (!this.stream) {
      this.stream = new crypto.DigestStream("SHA-256");
      this.writer = this.stream.getWriter();
    }
    await this.writer.write(chunk);
  }

  async end() {
    if (this.whole) return new Uint8Array(await crypto.subtle.digest("SHA-256", this.whole));
    await this.writer?.close();
    return new Uint8Array((await this.stream?.digest) ?? 0);
  }
}

/** The bytes of several sheets, one after the other, as a stream of known length. */
export function joined(sheets) {
  const chunks = sheets.flatMap((sheet) => sheet.chunks);
  // Of one piece the platform makes a stream by itself, without a turn of the event loop for each write.
  if (chunks.length === 1) return new Response(chunks[0]).body;
  const length = sheets.reduce((sum, sheet) => sum + sheet.length, 0);
  const { readable, writable } = new FixedLengthStream(length);
  pump(chunks, writable);
  return readable;
}

async function pump(parts, writable) {
  const writer = writable.getWriter();
  try {
    for await (const part of parts) await writer.write(part);
    await writer.close();
  } catch (error) {
    // The reader sees a reply that is broken off, which is what it is.
    await writer.abort(error).catch(() => {});
  }
}

/** The chunks of a source. The last one comes only when the digest is right, so that nobody gets a damaged whole. */
async function* checked(context, { body, length, digest, keep }) {
  const hash = digest ? new Hash(length) : undefined;
  const copy = keep && claim(keep.url) ? [] : undefined;
  let held;
  let seen = 0;
  for await (const chunk of blocks(body, OUTWARD, length)) {
    seen += chunk.byteLength;
    await hash?.write(chunk);
    copy?.push(chunk.slice());
    if (held) yield held;
    held = chunk;
  }
  if (seen !== length) throw new Error(`the store gave ${seen} bytes of ${length}`);
  if (hash && (await hash.end()).toHex() !== digest) throw new Error("the bytes in the store are damaged");
  if (copy) context.waitUntil(fill(keep, copy, length));
  if (held) yield held;
}

/**
 * Which pictures are on their way into the cache, and since when. One copy of each is enough, however many ask for it at once. A
 * request that ends in the middle leaves its claim, which lapses.
 */
const claims = new Map();
const CLAIM_MS = 10_000;
const CLAIMS = 1_000;

function claim(url) {
  const now = Date.now();
  if (now - (claims.get(url) ?? -CLAIM_MS) < CLAIM_MS) return false;
  if (claims.size >= CLAIMS) claims.clear();
  claims.set(url, now);
  return true;
}

/**
 * Puts a picture into the cache of this data centre: whole, and after it was checked. Not while it passes, since a cache may keep
 * what it got of a stream that breaks off.
 */
async function fill({ url, head }, chunks, length) {
  try {
    await caches.default.put(url, respond(200, head, joined([{ chunks, length }])));
  } catch {
    // A cache that does not take it is a cache that has nothing.
  } finally {
    claims.delete(url);
  }
}

async function* written(context, pieces) {
  const encoder = new TextEncoder();
  // Pieces that are written together save a turn of the event loop each.
  let text = "";
  for (const piece of pieces) {
    if (typeof piece === "string") {
      text += piece;
      continue;
    }
    // Base64 takes three bytes at a time; what is left of a chunk waits for the next.
    let rest = new Uint8Array(0);
    for await (const chunk of checked(context, piece)) {
      let bytes = chunk;
      if (rest.length > 0) {
        bytes = new Uint8Array(rest.length + chunk.length);
        bytes.set(rest);
        bytes.set(chunk, rest.length);
      }
      const whole = bytes.length - (bytes.length % 3);
      rest = bytes.slice(whole);
      text += bytes.subarray(0, whole).toBase64();
      if (text.length >= OUTWARD * 2) {
        yield encoder.encode(text);
        text = "";
      }
    }
    text += rest.toBase64();
  }
  if (text) yield encoder.encode(text);
}

async function* cut(stream, start, length) {
  let skip = start;
  let left = length;
  for await (const chunk of stream) {
    const from = Math.min(skip, chunk.byteLength);
    skip -= from;
    const part = chunk.subarray(from, from + left);
    left -= part.byteLength;
    if (part.byteLength > 0) yield part;
    if (left === 0) return;
  }
}

/** How often a feed that has nothing to say says so, how many events wait for a slow reader, and how long one connection lasts. */
const HEARTBEAT_MS = 15_000;
const WAITING = 1_000;
const FEED_MS = 3_600_000;

/**
 * The live feed as server-sent events: what comes over `socket`, and `: ` lines so that nobody on the way believes it dead. Of a reader
 * that is slower than the feed the oldest events are dropped, and it is told how many.
 */
export function feed(context, socket) {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const queue = [];
  let dropped = 0;
  let wake = () => {};
  let open = true;
  const close = () => {
    open = false;
    wake();
  };
  socket.addEventListener("message", ({ data }) => {
    if (queue.push(data) > WAITING) {
      queue.shift();
      dropped += 1;
    }
    wake();
  });
  socket.addEventListener("close", close);
  socket.addEventListener("error", close);
  socket.accept();
  const write = async () => {
    const until = Date.now() + FEED_MS;
    // An address to come back to within a second, and a first line, which is what makes the head arrive.
    await writer.write(encoder.encode("retry: 1000\n\n"));
    while (Date.now() < until) {
      if (queue.length === 0) {
        if (!open) break;
        const timer = new Promise((resolve) => {
          const id = setTimeout(resolve, HEARTBEAT_MS, true);
          wake = () => {
            clearTimeout(id);
            resolve(false);
          };
        });
        const silent = await timer;
        if (silent) await writer.write(encoder.encode(": still here\n\n"));
        continue;
      }
      let text = "";
      if (dropped > 0) text += `event: dropped\ndata: {"events":${dropped}}\n\n`;
      dropped = 0;
      // As many as wait, in one piece.
      text += queue.splice(0).join("");
      await writer.write(encoder.encode(text));
    }
    await writer.close();
  };
  context.waitUntil(
    write()
      // The reader has left, which is the usual end.
      .catch(() => writer.abort().catch(() => {}))
      .finally(() => socket.close(1000)),
  );
  return readable;
}
