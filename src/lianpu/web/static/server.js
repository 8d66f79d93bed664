// @ts-check
/** The same editor with Python behind it (`lianpu serve`): pictures to look at come from the browser where it can make them, files from the server. */
import { EFFECTS } from "./effects.js";
import { EDIT } from "./fields.js";
import { createEditor } from "./lianpu.js";
import { EditorError } from "./models.js";

/** @typedef {import("./worker.js").Step} Step */
/** @typedef {import("./lianpu.js").FaceBox} FaceBox */
/**
 * What the server says of itself in the manifest.
 * @typedef {object} ServerFacts
 * @property {string[]} effects @property {string[]} attributes that an editor or transforms set
 * @property {{name: string, licence: string, attributes: string[], label_input: string} | null} editor
 * @property {Record<string, string>} models licences by name @property {Record<string, string>} card of the editor, by language
 * @property {boolean} signs @property {boolean} video @property {string} language
 * @property {{mb: number, photos: number, videoMb: number, keepMinutes: number}} limits
 */
/** @typedef {{state: string, done: number, total: number, error?: string, has_file?: boolean, notes?: string[], photos?: {photo: string, faces: number, edited: boolean, result: string}[]}} JobState */

const TRIES = 40, ASK_EVERY_MS = 700, NEAR = 0.6;

/** @param {Step[]} steps as the REST API has them */
export const apiSteps = (steps) => ({ steps: steps.map(({ effect, strength = 1, options = {} }) => (effect.startsWith(EDIT) ? { edit: { [effect.slice(EDIT.length)]: options.value !== false }, strength } : { effect, strength, ...options })) });

/** Whether the browser makes these steps as the server does: attributes are set by other means there. @param {Step[]} steps @param {string[]} missing */
export const browserCan = (steps, missing) => steps.every(({ effect, options = {} }) => effect in EFFECTS && !missing.includes(effect) && !options.picture);

/**
 * @param {import("./models.js").Manifest & {server: ServerFacts}} manifest @param {{base: string | URL, onProgress?: (loaded: number, total: number) => void}} options
 * @returns {Promise<ServedEditor>}
 */
export async function createServedEditor(manifest, { base, onProgress }) {
    const browser = manifest.runtime ? await createEditor({ base, onProgress }).catch((problem) => { console.warn(problem); return null; }) : null;
    return new ServedEditor(manifest, String(base), browser);
}

/** An `Editor` (lianpu.js) whose files are the server's; `batch` and `video` besides. */
export class ServedEditor {
    /** @param {import("./models.js").Manifest & {server: ServerFacts}} manifest @param {string} base @param {import("./lianpu.js").Editor | null} browser */
    constructor(manifest, base, browser) {
        this.manifest = manifest;
        this.base = base;
        this.browser = browser;
        this.threads = browser?.threads ?? 0;
        /** Effects that nobody here can do. @type {string[]} */
        this.missing = [];
        this.language = "en";
        /** The current attributes of the faces, for an editor that has to be told. @type {Record<string, boolean> | null} */
        this.known = null;
        this.id = "";
        /** @type {Blob | null} */
        this.file = null;
        /** The browser's number of each of the server's faces; -1 where it sees none. @type {number[]} */
        this.mine = [];
        this.isOpenHere = false;
        /** The upload of a photo that the server forgot. @type {Promise<any> | null} */
        this.again = null;
        /** The open photo as it is, at the size of a screen. */
        this.plain = new Blob();
    }

    /** Effects that cannot be done to a camera's picture. */
    get missingLive() {
        return Object.keys(this.manifest.effects).filter((name) => !(name in EFFECTS) || this.browser?.missing.includes(name));
    }

    /**
     * @param {string} path @param {RequestInit} [asked] @returns {Promise<Response>}
     * @throws {EditorError} `server` with the server's own line, `server-gone`
     */
    async call(path, asked = {}) {
        for (let turn = 0; ; turn++) {
            let response;
            try {
                response = await fetch(new URL(`api/${path}?language=${this.language}`, this.base), asked);
            } catch {
                throw new EditorError("server-gone", "the server does not answer");
            }
            if (response.ok) return response;
            const { error = `${response.status}`, kind = "" } = await response.json().catch(() => ({}));
            if (response.status === 503 && turn < TRIES) await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get("Retry-After") ?? 2) * (0.5 + Math.random())));
            else throw new EditorError(kind === "page.forgotten" ? "forgotten" : "server", error);
        }
    }

    /** A call about the open photo; one that the server has forgotten is sent again. @param {string} what @param {Record<string, any>} asked */
    async ask(what, asked) {
        if (!this.file) throw new EditorError("no-photo", "no photo is open");
        const body = JSON.stringify(this.known ? { ...asked, known: this.known } : asked), init = { method: "POST", body, headers: { "Content-Type": "application/json" } };
        const { id } = this;
        try {
            return await this.call(`photos/${id}/${what}`, init);
        } catch (problem) {
            if (!(problem instanceof EditorError) || problem.kind !== "forgotten") throw problem;
            if (this.id === id) await (this.again ??= this.upload(this.file).finally(() => { this.again = null; })); // once for all that asked for this id
            return this.call(`photos/${this.id}/${what}`, init);
        }
    }

    /** @param {Blob} file */
    async upload(file) {
        const form = new FormData();
        form.append("photo", file, file instanceof File ? file.name : "photo");
        const answer = await (await this.call("photos", { method: "POST", body: form })).json();
        this.id = answer.id;
        return answer;
    }

    /** @param {Blob} file @returns {Promise<import("./lianpu.js").OpenPhoto & {notes: string[]}>} */
    async openPhoto(file) {
        const before = this.id;
        const [here, there] = await Promise.all([this.browser?.openPhoto(file).catch(() => null), this.upload(file)]);
        if (before) this.call(`photos/${before}`, { method: "DELETE" }).catch(() => {});
        this.file = file;
        this.isOpenHere = Boolean(here);
        const { width, height } = there, faces = there.faces.map((/** @type {{box: number[]}} */ { box: [left, top, right, bottom] }) => ({ x: left / width, y: top / height, width: (right - left) / width, height: (bottom - top) / height }));
        this.mine = matched(faces, here?.faces ?? []);
        here?.preview.close();
        this.plain = new Blob([Uint8Array.from(atob(there.preview), (sign) => sign.charCodeAt(0))], { type: "image/jpeg" });
        return { width, height, faces, preview: await createImageBitmap(this.plain), notes: there.notes };
    }

    /** @param {Step[]} steps @param {number[]} [faces] @returns {Promise<{preview: ImageBitmap, ms: number, note?: string}>} */
    async render(steps, faces = [...this.mine.keys()]) {
        const started = performance.now();
        if (!steps.length || !faces.length) return { preview: await createImageBitmap(this.plain), ms: 0 };
        if (this.isOpenHere && this.browser && browserCan(steps, this.browser.missing) && faces.every((face) => this.mine[face] >= 0)) return this.browser.render(steps, faces.map((face) => this.mine[face]));
        const response = await this.ask("preview", { preset: apiSteps(steps), faces: numbers(faces, this.mine.length) });
        return { preview: await createImageBitmap(await response.blob()), ms: performance.now() - started, note: JSON.parse(response.headers.get("X-Lianpu") ?? "{}").left };
    }

    /** @param {Step[]} steps @param {{faces?: number[], format?: "jpeg" | "png"}} [options] @returns {Promise<{file: Blob, ending: string, note?: string}>} */
    async save(steps, { faces, format } = {}) {
        const response = await this.ask("edit", { preset: apiSteps(steps), faces: numbers(faces, this.mine.length), file_format: format === "png" ? "png" : format === "jpeg" ? "jpg" : "same" });
        const said = JSON.parse(response.headers.get("X-Lianpu") ?? "{}"), name = /filename="?[^"]*(\.\w+)"?/.exec(response.headers.get("Content-Disposition") ?? "");
        return { file: await response.blob(), ending: name?.[1] ?? ".jpg", note: said.left };
    }

    /** @param {Step[][]} sets @param {number} [face] @returns {Promise<{pictures: ImageBitmap[]}>} */
    async thumbnails(sets, face = 0) {
        const pictures = [];
        for (const steps of sets) {
            if (this.browser && !this.id) pictures.push(...(await this.browser.thumbnails([steps], face)).pictures);
            else if (this.isOpenHere && this.browser && browserCan(steps, this.browser.missing) && this.mine[face] >= 0) pictures.push(...(await this.browser.thumbnails([steps], this.mine[face])).pictures);
            else pictures.push(await createImageBitmap(await (await this.ask("tile", { preset: apiSteps(steps), face })).blob()));
        }
        return { pictures };
    }

    /** A frame of a camera, in the browser. @param {ImageBitmap} bitmap @param {Step[]} steps */
    async frame(bitmap, steps) {
        if (!this.browser) throw new EditorError("no-camera-engine", "this server gave the browser no engine");
        this.id = "";
        return this.browser.frame(bitmap, steps.filter((step) => browserCan([step], this.browser?.missing ?? [])));
    }

    async closeLive() {
        return this.browser?.closeLive() ?? {};
    }

    /** Keeps a picture for steps that take one. @param {Blob} file @returns {Promise<string>} what such a step names */
    async picture(file) {
        const form = new FormData();
        form.append("picture", file, file instanceof File ? file.name : "picture.png");
        return (await (await this.call("pictures", { method: "POST", body: form })).json()).picture;
    }

    /**
     * Several photos, as a zip. @param {File[]} files @param {Step[]} steps @param {(state: JobState) => void} onState @param {AbortSignal} signal
     * @returns {Promise<{file: Blob | null, state: JobState}>}
     */
    async batch(files, steps, onState, signal) {
        const form = this.form(steps);
        for (const file of files) form.append("photos", file, file.name);
        return this.job("batch", form, onState, signal);
    }

    /** A video, as an MP4. @param {File} file @param {Step[]} steps @param {(state: JobState) => void} onState @param {AbortSignal} signal */
    async video(file, steps, onState, signal) {
        const form = this.form(steps);
        form.append("video", file, file.name);
        form.append("fast", "true");
        return this.job("video", form, onState, signal);
    }

    /** @param {Step[]} steps */
    form(steps) {
        const form = new FormData();
        form.append("preset", JSON.stringify(apiSteps(steps)));
        return form;
    }

    /** @param {string} what @param {FormData} form @param {(state: JobState) => void} onState @param {AbortSignal} signal @returns {Promise<{file: Blob | null, state: JobState}>} */
    async job(what, form, onState, signal) {
        const { job } = await (await this.call(what, { method: "POST", body: form })).json();
        for (;;) {
            const state = /** @type {JobState} */ (await (await this.call(`jobs/${job}`)).json());
            if (signal.aborted) { await this.call(`jobs/${job}`, { method: "DELETE" }).catch(() => {}); throw new EditorError("stopped", "stopped"); }
            onState(state);
            if (state.state === "failed") throw new EditorError("server", state.error ?? "failed");
            if (state.state === "done") return { file: state.has_file ? await (await this.call(`jobs/${job}/file`)).blob() : null, state };
            await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
        }
    }

    /** Tells the server that the visit is over: it removes everything. */
    leave() {
        if (this.id) navigator.sendBeacon(new URL("api/leave", this.base));
    }

    close() {
        this.browser?.close();
    }
}

/** @param {number[] | undefined} faces @param {number} count */
const numbers = (faces, count) => (!faces || faces.length === count ? "all" : faces.join(","));

/** For each face the number of that among others which lies where it does, or -1. @param {FaceBox[]} faces @param {FaceBox[]} others @returns {number[]} */
export function matched(faces, others) {
    return faces.map((face) => {
        const far = others.map((other) => Math.hypot((other.x + other.width / 2 - face.x - face.width / 2) / face.width, (other.y + other.height / 2 - face.y - face.height / 2) / face.height)), best = far.indexOf(Math.min(...far));
        return far[best] < NEAR ? best : -1;
    });
}
