// The least that a Worker can do about a cached picture: answer with what the Cache API holds. PUT fills it.

export default {
  async fetch(request) {
    if (request.method === "PUT") {
      const headers = { "content-type": "image/png", "cache-control": "public, max-age=86400" };
      await caches.default.put(request.url, new Response(await request.arrayBuffer(), { headers }));
      return new Response(null, { status: 204 });
    }
    return (await caches.default.match(request)) ?? new Response(null, { status: 404 });
  },
};
