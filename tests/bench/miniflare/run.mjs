// Runs one Worker in one workerd, by Miniflare's API: `node run.mjs '{"worker":"pincel","bindings":{…}}'`. Prints one line of
// JSON once it answers, and ends when its standard input closes, or by SIGTERM.
//
// Not `wrangler dev`: its proxy costs more processor time for each request than the Worker behind it.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { Log, LogLevel, Miniflare } from "miniflare";
import workerd from "workerd";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** A bare JavaScript Worker of this folder. */
async function bare(name) {
  const path = here(`${name}.mjs`);
  return { modulesRoot: here("."), modules: [{ type: "ESModule", path, contents: await readFile(path, "utf8") }] };
}

/** The entry as it is; one that counts nothing, which shows what counting costs; one that lets the catalog be told things. */
const ENTRIES = {
  pincel: (text) => text,
  uncounted: (text) => text.replace("if (counted(number, now, ms))", "if (false)"),
  operator: (text) => text.replace("async fetch(request, env, ctx) {", `$&
    if (new URL(request.url).pathname === "/__catalog") {
      const body = await request.text();
      const headers = { "x-pincel-object": "catalog" };
      return env.CATALOG.get(env.CATALOG.idFromName("catalog")).fetch("https://object/", { method: "POST", headers, body });
    }`),
};

/** The built Worker, with the bindings that `wrangler.toml` gives it. */
async function pincel(bindings, changed) {
  const edge = here("../../../edge/");
  const module = (path) => readFile(`${edge}${path}`, "utf8").then((contents) => ({ type: "ESModule", path: `${edge}${path}`, contents }));
  const wasm = `${edge}build/index_bg.wasm`;
  return {
    modulesRoot: edge,
    modules: [
      await module("entry.mjs").then((entry) => ({ ...entry, contents: changed(entry.contents) })),
      await module("src/glue.js"),
      await module("build/index.js"),
      { type: "CompiledWasm", path: wasm, contents: await readFile(wasm) },
    ],
    bindings,
    kvNamespaces: ["POINTERS"],
    r2Buckets: ["BLOBS"],
    durableObjects: {
      GENERATION: { className: "Generation", useSQLite: true },
      ACCOUNT: { className: "Account", useSQLite: true },
      CATALOG: { className: "Catalog", useSQLite: true },
    },
  };
}

const { worker, bindings } = JSON.parse(process.argv[2]);
const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  cf: false,
  log: new Log(LogLevel.ERROR),
  logRequests: false,
  // The newest that this workerd knows; the simulators keep their files in a folder that goes with the process.
  compatibilityDate: workerd.compatibilityDate,
  ...(worker in ENTRIES ? await pincel(bindings, ENTRIES[worker]) : await bare(worker)),
});

/** Nothing is left to do after this but to remove the simulators' files, for which the process stays as long as it takes. */
const end = () => miniflare.dispose();
process.once("SIGTERM", end).once("SIGINT", end);
process.stdin.once("end", end).resume();

const { origin } = await miniflare.ready;
console.log(JSON.stringify({ url: origin, workerd: workerd.version }));
