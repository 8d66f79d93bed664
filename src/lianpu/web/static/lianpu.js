// @ts-check
/**
 * Face effects in the browser, without a server:
 *
 *     import { createEditor } from "./lianpu.js";
 *     const editor = await createEditor();
 *     await editor.openPhoto(file);
 *     const { file: edited } = await editor.save([{ effect: "lipstick", strength: 0.8, options: { color: "#b3263e" } }]);
 *
 * Nothing leaves the machine: the only requests are those for the module's own files.
 */
import { EditorError } from "./models.js";

/** @typedef {import("./worker.js").Step} Step */
/** @typedef {{x: number, y: number, width: number, height: number}} FaceBox shares of the photo's width and height */
/** @typedef {{width: number, height: number, faces: FaceBox[], preview: ImageBitmap}} OpenPhoto */

export { EditorError };

/**
 * Loads the networks, 10 MB once, and starts the engine in a worker.
 * @param {{base?: string | URL, threads?: number, webgl?: "auto" | "on" | "off", onProgress?: (loaded: number, total: number) => void}} [options]
 *     base: the folder that `lianpu web build` wrote; that of this module without.
 *     threads: used only where the page is cross-origin isolated (COOP and COEP headers); half of the cores, 4 at most, without.
 *     webgl: auto uses WebGL2 where a graphics card draws, on where anything does; pictures are the same without, but for rounding.
 * @returns {Promise<Editor>}
 * @throws {EditorError} `kind` is `no-wasm`, `no-canvas`, `offline`, `missing`, `damaged`
 */
export async function createEditor({ base = new URL(".", import.meta.url), threads = Math.max(1, Math.min(4, (navigator.hardwareConcurrency || 2) >> 1)), webgl = "auto", onProgress = () => {} } = {}) {
    const editor = new Editor();
    const { manifest, missing, threads: used, webgl: drawn } = await editor.call("open", { base: String(base), threads, webgl }, onProgress);
    editor.manifest = manifest;
    editor.missing = missing;
    editor.threads = used;
    editor.webgl = drawn;
    return editor;
}

/** One photo or camera at a time; several editors may be open. */
export class Editor {
    constructor() {
        this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
        /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void, onProgress?: (loaded: number, total: number) => void}>} */
        this.waiting = new Map();
        this.last = 0;
        /** @type {import("./models.js").Manifest} */
        this.manifest;
        /** Names of effects that this build has no network for. @type {string[]} */
        this.missing = [];
        this.threads = 1;
        /** Whether pixels are computed by WebGL2. */
        this.webgl = false;
        this.worker.onmessage = ({ data: { id, result, error, progress } }) => {
            const call = this.waiting.get(id);
            if (progress) { call?.onProgress?.(progress.loaded, progress.total); return; }
            this.waiting.delete(id);
            if (error) call?.reject(new EditorError(error.kind, error.message));
            else call?.resolve(result);
        };
        this.worker.onerror = (event) => {
            event.preventDefault();
            for (const call of this.waiting.values()) call.reject(new EditorError("defect", event.message || "the engine could not be started"));
            this.waiting.clear();
        };
    }

    /** @param {string} name @param {any} asked @param {(loaded: number, total: number) => void} [onProgress] @param {Transferable[]} [moved] @returns {Promise<any>} */
    call(name, asked, onProgress, moved = []) {
        return new Promise((resolve, reject) => {
            const id = ++this.last;
            this.waiting.set(id, { resolve, reject, onProgress });
            this.worker.postMessage({ id, call: name, asked }, moved);
        });
    }

    /** Finds the faces of a photo, which stays open. @param {Blob} file @returns {Promise<OpenPhoto>} @throws {EditorError} `no-picture`, `too-large`, `too-small` */
    openPhoto(file) {
        return this.call("openPhoto", { file });
    }

    /** The open photo at the size of a screen (1280 pixels) with steps, on all faces or those of some numbers. @param {Step[]} steps @param {number[]} [faces] @returns {Promise<{preview: ImageBitmap, ms: number}>} */
    render(steps, faces) {
        return this.call("render", { steps, faces });
    }

    /** The open photo's file at full size with steps, marked as edited (XMP); its EXIF stays unless faces are hidden. @param {Step[]} steps @param {{faces?: number[], format?: "jpeg" | "png"}} [options] @returns {Promise<{file: Blob, ending: string}>} */
    save(steps, options = {}) {
        return this.call("save", { steps, ...options });
    }

    /** Small pictures of a face with each set of steps. @param {Step[][]} sets @param {number} [face] @returns {Promise<{pictures: ImageBitmap[]}>} */
    thumbnails(sets, face = 0) {
        return this.call("thumbnails", { sets, face });
    }

    /** A frame of a camera or video with steps; call it again when it has answered. @param {ImageBitmap} bitmap is closed @param {Step[]} steps @returns {Promise<{frame: ImageBitmap, faces: number, kept: boolean, ms: number}>} kept: `thumbnails` now shows the camera's picture */
    frame(bitmap, steps) {
        return this.call("frame", { bitmap, steps }, undefined, [bitmap]);
    }

    /** Effects that cannot be done to a camera's picture. */
    get missingLive() {
        return this.missing;
    }

    /** Forgets the faces of a camera. */
    closeLive() {
        return this.call("closeLive", {});
    }

    /** Ends the engine. */
    close() {
        this.worker.terminate();
    }
}
