// The Worker's entry: what worker-build made, behind a plain object.
//
// worker-build exports a class, of which workerd constructs one for each request through two proxies, and its handler is a Rust
// future with a promise around it. A hit needs neither: the isolate remembers where the picture is and tells the whole head of the
// reply in one call. What the proxies are there for stays: after a panic or a trap the Wasm module is made anew.

import Entrypoint, { Account, Catalog, Generation } from "./build/index.js";
import { lines, respond } from "./src/glue.js";

const state = globalThis.__worker_init_state;
const { fetch: handle, remembered, counted, flush, maintain } = Entrypoint.prototype;

export { Account, Catalog, Generation };

export default {
  async fetch(request, env, ctx) {
    // Constructing one is what makes worker-build look whether the module has to be made anew.
    if (state.criticalError) new Entrypoint(ctx, env);
    try {
      const started = Date.now();
      const told = request.method === "GET" ? await fromMemory(request, started, env, ctx) : undefined;
      if (told) return told;
      const response = await handle.call({ env, ctx }, request);
      gather(NONE, Date.now(), 0, env, ctx);
      return response;
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
      throw error;
    }
  },

  /** What is done from time to time: `triggers` in `wrangler.toml`. */
  scheduled(event, env, ctx) {
    if (state.criticalError) new Entrypoint(ctx, env);
    ctx.waitUntil(maintain(env));
  },
};

/** The number of no hit. */
const NONE = -1;

/** Counts, and sends what was counted a few seconds later, when nobody waits for it any more. */
function gather(number, now, ms, env, ctx) {
  if (counted(number, now, ms)) ctx.waitUntil(flush(env));
}

/** The reply, where the isolate remembers the picture and the cache of this data centre has its bytes. */
async function fromMemory(request, started, env, ctx) {
  const told = remembered(lines(request));
  if (!told) return undefined;
  const [first, bytes] = told.split("\n", 2);
  const [status, number] = first.split(" ");
  const head = told.slice(first.length + bytes.length + 2);
  let body = null;
  if (bytes) {
    const [address, length] = bytes.split(" ");
    const found = await caches.default.match(address);
    if (found?.status !== 200 || found.headers.get("content-length") !== length) return undefined;
    body = found.body;
  }
  const now = Date.now();
  gather(Number(number), now, now - started, env, ctx);
  return respond(Number(status), head, body);
}
