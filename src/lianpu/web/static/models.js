// @ts-check
/** Networks: fetched with progress, kept in the browser's cache, and used only with the SHA-256 that the manifest names. */

/** @typedef {{file: string, bytes: number, sha256: string, licence: string, source?: string}} ModelEntry */
/**
 * What `lianpu web build` writes beside the page.
 * @typedef {object} Manifest
 * @property {string} version of Lianpu
 * @property {string[]} files of the page, but for the networks
 * @property {{module: string, folder: string} | null} runtime ONNX Runtime Web; null where a server does all
 * @property {Record<string, ModelEntry>} models
 * @property {import("./faces.js").EditorFacts | null} editor what the editor among the models can do; null without one
 * @property {Record<string, EffectFacts>} effects
 * @property {Record<string, import("./stickers.js").Layer[]>} stickers drawings that the build wrote
 * @property {import("./server.js").ServerFacts | null} server what is behind the page; null for nothing
 * @property {{name: string, steps: {effect: string, strength: number, options: Record<string, any>}[]}[]} presets
 */
/** @typedef {{title: Record<string, string>, summary: Record<string, string>, options: Record<string, {default: any, choices: string[], title: Record<string, string>}>}} EffectFacts */

/** An error whose `kind` the page has a sentence for. */
export class EditorError extends Error {
    /** @param {string} kind @param {string} message */
    constructor(kind, message) {
        super(message);
        this.name = "EditorError";
        this.kind = kind;
    }
}

/** @param {string} base @returns {Promise<Manifest>} */
export async function readManifest(base) {
    const response = await fetchedFrom(new URL("manifest.json", base), "no-cache");
    return response.json();
}

/** @param {URL} address @param {RequestCache} cache */
async function fetchedFrom(address, cache) {
    let response;
    try {
        response = await fetch(address, { cache });
    } catch {
        throw new EditorError("offline", `${address.pathname} cannot be loaded: there is no connection`);
    }
    if (!response.ok) throw new EditorError("missing", `${address.pathname} cannot be loaded (${response.status})`);
    return response;
}

/**
 * The bytes of a model. Raises EditorError where it cannot be loaded or is another file than the manifest says.
 * @param {string} base @param {ModelEntry} entry @param {string} version names the cache @param {(bytes: number) => void} onBytes
 */
export async function loadModel(base, entry, version, onBytes) {
    const address = new URL(entry.file, base), cache = "caches" in self ? await caches.open(`lianpu-${version}`).catch(() => null) : null;
    const kept = await cache?.match(address);
    if (kept) {
        const bytes = new Uint8Array(await kept.arrayBuffer());
        if (await sha256(bytes) === entry.sha256) { onBytes(bytes.length); return bytes; }
        await cache?.delete(address);
    }
    const response = await fetchedFrom(address, "default"), reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader(), parts = [];
    for (let read = await reader.read(); !read.done; read = await reader.read()) { parts.push(read.value); onBytes(read.value.length); }
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => { bytes.set(part, at); return at + part.length; }, 0);
    if (await sha256(bytes) !== entry.sha256) throw new EditorError("damaged", `${entry.file} is not the file that the manifest names (SHA-256 differs): load the page again, or build it again`);
    await cache?.put(address, new Response(bytes)).catch(() => undefined); // a full disk only costs the cache
    return bytes;
}

/** Removes what other versions of the page left in the cache. @param {string} version */
export async function dropOldCaches(version) {
    if (!("caches" in self)) return;
    for (const name of await caches.keys().catch(() => [])) if (name.startsWith("lianpu-") && name !== `lianpu-${version}`) await caches.delete(name);
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<string>} */
export async function sha256(bytes) {
    const digest = crypto.subtle ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) : plainSha256(bytes); // plain HTTP has no crypto.subtle
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** FIPS 180-4. @param {Uint8Array} bytes */
export function plainSha256(bytes) {
    /** @type {number[]} */
    const primes = [];
    for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
    const fraction = (/** @type {number} */ value) => ((value - Math.floor(value)) * 2 ** 32) | 0, K = Int32Array.from(primes, (p) => fraction(Math.cbrt(p))), H = Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p)));
    const padded = new Uint8Array((bytes.length + 9 + 63) >> 6 << 6), view = new DataView(padded.buffer), W = new Int32Array(64);
    padded.set(bytes);
    padded[bytes.length] = 0x80;
    view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
    view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
    const turn = (/** @type {number} */ x, /** @type {number} */ n) => (x >>> n) | (x << (32 - n));
    for (let block = 0; block < padded.length; block += 64) {
        for (let i = 0; i < 16; i++) W[i] = view.getInt32(block + 4 * i);
        for (let i = 16; i < 64; i++) {
            const a = W[i - 15], b = W[i - 2];
            W[i] = (W[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + W[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0;
        }
        let [a, b, c, d, e, f, g, h] = H;
        for (let i = 0; i < 64; i++) {
            const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0, two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
            h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
        }
        [a, b, c, d, e, f, g, h].forEach((value, i) => { H[i] = (H[i] + value) | 0; });
    }
    const out = new DataView(new ArrayBuffer(32));
    H.forEach((value, i) => out.setInt32(4 * i, value));
    return new Uint8Array(out.buffer);
}
