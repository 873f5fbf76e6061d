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

/** The body of what the cache of this data centre has under `url`, or undefined. */
export async function cached(url, range) {
  const found = await caches.default.match(range ? new Request(url, { headers: { range } }) : url);
  return found?.status === (range ? 206 : 200) ? found.body : undefined;
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

/** A stream is read in blocks of this size: by itself it comes in pieces of 4 KiB, and each costs a turn of the event loop. */
const BLOCK = 65_536;

/** A stream in blocks, in two buffers by turns: one is free to be filled while the block before it is still held. */
async function* blocks(stream) {
  const reader = stream.getReader({ mode: "byob" });
  const free = [new ArrayBuffer(BLOCK), new ArrayBuffer(BLOCK)];
  let whole = false;
  try {
    for (let at = 0; !whole; at ^= 1) {
      const { done, value } = await reader.readAtLeast(BLOCK, new Uint8Array(free[at]));
      whole = done;
      if (value?.byteLength > 0) yield value;
      if (value) free[at] = value.buffer;
    }
  } finally {
    if (!whole) await reader.cancel().catch(() => {});
  }
}

/** The provider's reply, block by block. A block is good until the next one is asked for. */
export class Reader {
  constructor(stream) {
    this.blocks = blocks(stream);
  }

  async read() {
    return (await this.blocks.next()).value;
  }
}

/** The bytes of one picture while it is being made: held outside of Wasm, whose memory never shrinks. */
export class Sheet {
  constructor() {
    this.chunks = [];
    this.used = 0;
    this.length = 0;
    this.hash = new crypto.DigestStream("SHA-256");
    this.writer = this.hash.getWriter();
  }

  async write(view) {
    // All of it is copied before anything is awaited: Wasm may move its memory.
    const full = [];
    for (let at = 0; at < view.byteLength; ) {
      this.block ??= new Uint8Array(BLOCK);
      const part = view.subarray(at, at + BLOCK - this.used);
      this.block.set(part, this.used);
      at += part.byteLength;
      this.used += part.byteLength;
      if (this.used === BLOCK) full.push(this.turn());
    }
    this.length += view.byteLength;
    for (const block of full) await this.writer.write(block);
  }

  turn() {
    const block = this.block.subarray(0, this.used);
    this.chunks.push(block);
    this.block = undefined;
    this.used = 0;
    return block;
  }

  async digest() {
    if (this.used > 0) await this.writer.write(this.turn());
    await this.writer.close();
    return new Uint8Array(await this.hash.digest);
  }

  stream() {
    return joined([this]);
  }
}

/** The bytes of several sheets, one after the other, as a stream of known length. */
export function joined(sheets) {
  const length = sheets.reduce((sum, sheet) => sum + sheet.length, 0);
  const { readable, writable } = new FixedLengthStream(length);
  pump(chunks(sheets), writable);
  return readable;
}

async function* chunks(sheets) {
  for (const sheet of sheets) yield* sheet.chunks;
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
  const hash = digest ? new crypto.DigestStream("SHA-256") : undefined;
  const hashing = hash?.getWriter();
  const copy = keep ? copied(context, keep, length) : undefined;
  let held;
  let seen = 0;
  let whole = false;
  try {
    for await (const chunk of blocks(body)) {
      seen += chunk.byteLength;
      await hashing?.write(chunk);
      if (held) {
        await copy?.write(held);
        yield held;
      }
      held = chunk;
    }
    if (seen !== length) throw new Error(`the store gave ${seen} bytes of ${length}`);
    if (hash) {
      await hashing.close();
      const got = new Uint8Array(await hash.digest).toHex();
      if (got !== digest) throw new Error("the bytes in the store are damaged");
    }
    whole = true;
    if (held) {
      await copy?.write(held);
      yield held;
    }
    await copy?.close();
  } finally {
    if (!whole) await copy?.abort(new Error("broken off")).catch(() => {});
  }
}

/** A writer whose bytes end in the cache of this data centre. */
function copied(context, { url, head }, length) {
  const { readable, writable } = new FixedLengthStream(length);
  context.waitUntil(caches.default.put(url, respond(200, head, readable)).catch(() => {}));
  const writer = writable.getWriter();
  // A cache that does not take it must not stop the reply.
  const ignore = (promise) => promise.catch(() => {});
  return {
    write: (chunk) => ignore(writer.write(chunk)),
    close: () => ignore(writer.close()),
    abort: (error) => ignore(writer.abort(error)),
  };
}

async function* written(context, pieces) {
  const text = new TextEncoder();
  for (const piece of pieces) {
    if (typeof piece === "string") {
      yield text.encode(piece);
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
      if (whole > 0) yield text.encode(bytes.subarray(0, whole).toBase64());
    }
    if (rest.length > 0) yield text.encode(rest.toBase64());
  }
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
