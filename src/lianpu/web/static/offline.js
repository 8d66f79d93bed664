// @ts-check
/** Service worker: the page opens without a connection once it was loaded. Networks are kept by `models.js`, which checks them. */

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self)), KEPT = "page-of-lianpu";

worker.addEventListener("install", (event) => event.waitUntil(keep()));
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (event) => {
    const { request } = event, address = new URL(request.url), here = address.origin === worker.location.origin;
    if (address.pathname.endsWith("/api/leave")) event.respondWith(fetch(request)); // the page that says so is gone when this would fall back to it
    if (request.method !== "GET" || !here || address.pathname.includes("/api/") || address.pathname.includes("/models/")) return;
    event.respondWith(newest(request));
});

/** Keeps all files of the page but the networks. */
async function keep() {
    const cache = await caches.open(KEPT), manifest = await (await fetch("manifest.json")).json();
    await cache.addAll(["./", "manifest.json", ...manifest.files]);
    await worker.skipWaiting();
}

/** From the server where it answers, else as it was last. @param {Request} request */
async function newest(request) {
    const cache = await caches.open(KEPT);
    try {
        const response = await fetch(request);
        if (response.ok) await cache.put(request, response.clone()).catch(() => undefined); // a full disk only costs the copy
        return response;
    } catch (problem) {
        const kept = await cache.match(request, { ignoreSearch: true });
        if (kept) return kept;
        throw problem;
    }
}
