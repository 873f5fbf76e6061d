// The Worker's entry: what worker-build made, behind a plain object.
//
// worker-build exports a class, of which workerd constructs one for each request through two proxies, and its handler is a Rust
// future with a promise around it. A hit needs neither: the isolate remembers where the picture is and tells the whole head of the
// reply in one call. What the proxies are there for stays: after a panic or a trap the Wasm module is made anew.

import Entrypoint, { Account, Generation } from "./build/index.js";
import { lines, respond } from "./src/glue.js";

const state = globalThis.__worker_init_state;
const { fetch: handle, remembered } = Entrypoint.prototype;

export { Account, Generation };

export default {
  async fetch(request, env, ctx) {
    // Constructing one is what makes worker-build look whether the module has to be made anew.
    if (state.criticalError) new Entrypoint(ctx, env);
    try {
      return (request.method === "GET" && (await fromMemory(request))) || (await handle.call({ env, ctx }, request));
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) state.criticalError = true;
      throw error;
    }
  },
};

/** The reply, where the isolate remembers the picture and the cache of this data centre has its bytes. */
async function fromMemory(request) {
  const told = remembered(lines(request));
  if (!told) return undefined;
  const [status, bytes] = told.split("\n", 2);
  const head = told.slice(status.length + bytes.length + 2);
  if (!bytes) return respond(Number(status), head, null);
  const [address, length] = bytes.split(" ");
  const found = await caches.default.match(address);
  const whole = found?.status === 200 && found.headers.get("content-length") === length;
  return whole ? respond(Number(status), head, found.body) : undefined;
}
