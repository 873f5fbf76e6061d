// The openai package for Node against Pincel: what a program sees that only changed its base address.

import assert from "node:assert/strict";
import OpenAI from "openai";

const { MARK, FAKE_OPENAI_URL, PINCEL_URL, PINCEL_API_KEY, BROKE_API_KEY, HURRIED_API_KEY } = process.env;
const QUICK = { model: "gpt-image-2.6-flare", quality: "low", size: "1024x640" };

const client = new OpenAI({ apiKey: PINCEL_API_KEY, baseURL: `${PINCEL_URL}/v1` });

const ask = (what, more) => client.images.generate({ prompt: `${what}, ${MARK}`, ...QUICK, ...more });
const pictures = (reply) => reply.data.map((image) => image.b64_json);

async function behave(change) {
  const reply = await fetch(`${FAKE_OPENAI_URL}/_control/behaviour`, { method: "POST", body: JSON.stringify(change) });
  assert.equal(reply.status, 200);
}

/** A client, and the statuses of all that it receives. */
function counting(apiKey) {
  const seen = [];
  const counted = async (...request) => {
    const reply = await fetch(...request);
    seen.push(reply.status);
    return reply;
  };
  return { seen, other: client.withOptions({ apiKey, fetch: counted }) };
}

async function refusal(kind, call) {
  const error = await call().then(() => assert.fail("it was not refused"), (error) => error);
  assert.equal(error.constructor, kind, `${error}`);
  assert.match(error.requestID, /^req_/);
  return error;
}

const checks = {
  async "twice the same"() {
    const first = await ask("twice");
    const second = await ask("twice");
    assert.deepEqual(pictures(first), pictures(second));
    assert.equal(Buffer.from(pictures(first)[0], "base64").toString("latin1", 1, 4), "PNG");
    assert.deepEqual(
      [first.size, first.quality, first.background, first.output_format],
      ["1024x640", "low", "opaque", "png"],
    );
    assert.equal(first.created, second.created);
    assert.ok(first.usage.total_tokens > 0);
    assert.equal(first.usage.total_tokens, first.usage.input_tokens + first.usage.output_tokens);
    assert.ok(first.usage.input_tokens_details.text_tokens > 0);
    assert.equal(second.usage.total_tokens, 0);
    assert.match(second._request_id, /^req_/);
    const { response } = await ask("twice").withResponse();
    assert.match(response.headers.get("cache-status"), /^pincel; hit/);
  },

  async "two are different"() {
    assert.equal(new Set(pictures(await ask("two", { n: 2 }))).size, 2);
  },

  async "a url opens without a key"() {
    const reply = await fetch((await ask("url", { response_format: "url" })).data[0].url);
    assert.equal(reply.headers.get("content-type"), "image/png");
    const bytes = Buffer.from(await reply.arrayBuffer()).toString("base64");
    assert.deepEqual(pictures(await ask("url")), [bytes]);
  },

  async "parallel calls share one picture"() {
    const replies = await Promise.all(Array.from({ length: 5 }, () => ask("parallel")));
    assert.equal(new Set(replies.flatMap(pictures)).size, 1);
  },

  async "bad input is a bad request"() {
    const error = await refusal(OpenAI.BadRequestError, () => ask("refused", { size: "1x1" }));
    assert.deepEqual([error.param, error.code, error.type], ["size", "invalid_value", "invalid_request_error"]);
  },

  async "a wrong key is an authentication error"() {
    const stranger = client.withOptions({ apiKey: "pcl_shop_wrong" });
    const error = await refusal(OpenAI.AuthenticationError, () =>
      stranger.images.generate({ prompt: `locked out, ${MARK}`, ...QUICK }),
    );
    assert.equal(error.code, "invalid_api_key");
  },

  async "a used-up quota is not tried again"() {
    await behave({ fail: "quota", times: 9 });
    const error = await refusal(OpenAI.RateLimitError, () => ask("quota"));
    await behave({ fail: null });
    assert.deepEqual([error.code, error.type], ["insufficient_quota", "insufficient_quota"]);
  },

  async "a used-up budget is not tried again"() {
    const { seen, other } = counting(BROKE_API_KEY);
    const error = await refusal(OpenAI.APIError, () => other.images.generate({ prompt: `broke, ${MARK}`, ...QUICK }));
    assert.deepEqual([error.status, error.code, error.type], [402, "budget_exceeded", "insufficient_quota"]);
    assert.deepEqual(seen, [402]);
  },

  async "a request too many waits and succeeds"() {
    const { seen, other } = counting(HURRIED_API_KEY);
    // What is refused by the provider is counted like what it makes, and takes no time.
    await behave({ fail: "moderation", times: 99 });
    for (let number = 0; number < 30; number++) {
      const prompt = `hurry ${number}, ${MARK}`;
      await refusal(OpenAI.BadRequestError, () => other.images.generate({ prompt, ...QUICK }));
    }
    await behave({ fail: null });
    for (let number = 0; number < 30 && !seen.includes(429); number++) {
      await other.images.generate({ prompt: `one more ${number}, ${MARK}`, ...QUICK });
    }
    assert.deepEqual(seen.slice(-2), [429, 200]);
  },
};

for (const check of Object.values(checks)) await check();
console.log(`${Object.keys(checks).length} checks passed`);
