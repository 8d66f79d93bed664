// @ts-check
/** The engine: networks and effects in a thread of their own, so that the page never waits. `lianpu.js` speaks with it. */
import { applySteps, EFFECTS, hairLook } from "./effects.js";
import { FaceReader, inform, scaledFace } from "./faces.js";
import { EDIT, planEdits } from "./fields.js";
import { useGl } from "./gl.js";
import { dropOldCaches, EditorError, loadModel, readManifest } from "./models.js";
import { editedXmp, marked } from "./marks.js";
import { Pyramid, windowAround } from "./pixels.js";
import { loadStickers } from "./stickers.js";

/** @typedef {import("./faces.js").Face} Face */
/** @typedef {import("./faces.js").Scene} Scene */
/** @typedef {{effect: string, strength?: number, options?: Record<string, any>}} Step */

const PREVIEW_PX = 1280, MOST_PIXELS = 50e6, SEARCH_EVERY = 12, PARSE_EVERY = 4, THUMB_PX = 168;

/** @type {import("./models.js").Manifest} */
let manifest;
/** The folder of the page. */
let base = "";
/** @type {FaceReader} */
let reader;
/** @type {{full: ImageData, preview: ImageData, scene: Scene, by: number, bytes: Uint8Array, type: string} | null} */
let photo = null;
/** @type {{faces: Face[], frame: number, person: Scene["person"], kept: ImageData | null, keeps: boolean}} kept: a frame without steps, for tiles */
const live = { faces: [], frame: 0, person: null, kept: null, keeps: true };

/** @param {{base: string, threads: number, webgl: "auto" | "on" | "off"}} asked @param {(loaded: number, total: number) => void} report */
async function open({ base: folder, threads, webgl }, report) {
    base = folder;
    if (typeof WebAssembly !== "object") throw new EditorError("no-wasm", "this browser has no WebAssembly");
    if (typeof OffscreenCanvas !== "function") throw new EditorError("no-canvas", "this browser has no OffscreenCanvas");
    manifest = await readManifest(base);
    if (!manifest.runtime) throw new EditorError("missing", "this page has no engine for the browser");
    const entries = Object.entries(manifest.models), total = entries.reduce((sum, [, entry]) => sum + entry.bytes, 0);
    let loaded = 0;
    const ort = await import(new URL(manifest.runtime.module, base).href);
    ort.env.wasm.wasmPaths = new URL(manifest.runtime.folder, base).href;
    ort.env.wasm.numThreads = self.crossOriginIsolated ? threads : 1;
    ort.env.logLevel = "error";
    /** @type {Record<string, any>} */
    const sessions = {};
    for (const [name, entry] of entries) {
        const bytes = await loadModel(base, entry, manifest.version, (more) => report((loaded += more), total));
        sessions[name] = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], graphOptimizationLevel: "all" });
    }
    reader = new FaceReader(ort, /** @type {any} */ (sessions));
    reader.facts = manifest.editor;
    dropOldCaches(manifest.version);
    const missing = Object.entries(EFFECTS).filter(([, effect]) => effect.needs && !(effect.needs in sessions)).map(([name]) => name);
    return { manifest, missing, threads: ort.env.wasm.numThreads, webgl: useGl(webgl) };
}

/** @param {CanvasImageSource & {width: number, height: number}} source @param {number} width @param {number} height */
function pixelsOf(source, width, height) {
    const canvas = new OffscreenCanvas(width, height), context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    context.imageSmoothingQuality = "high";
    context.drawImage(source, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
}

/** Reads a photo and finds its faces. @param {{file: Blob}} asked */
async function openPhoto({ file }) {
    let bitmap;
    try {
        bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch {
        throw new EditorError("no-picture", "this file is no picture that the browser can read");
    }
    const { width, height } = bitmap;
    if (width * height > MOST_PIXELS || Math.max(width, height) > 16000) { bitmap.close(); throw new EditorError("too-large", `${width} x ${height} pixels are too many`); }
    if (Math.min(width, height) < 16) { bitmap.close(); throw new EditorError("too-small", `${width} x ${height} pixels are too few`); }
    const by = Math.min(1, PREVIEW_PX / Math.max(width, height));
    const full = pixelsOf(bitmap, width, height), preview = by < 1 ? pixelsOf(bitmap, Math.round(width * by), Math.round(height * by)) : new ImageData(full.data.slice(), width, height);
    bitmap.close();
    const scene = await reader.photo(preview, { person: true });
    for (const face of scene.faces) face.hair = hairLook(preview, face);
    photo = { full, preview, scene, by: preview.width / width, bytes: new Uint8Array(await file.arrayBuffer()), type: file.type };
    const boxes = scene.faces.map((face) => {
        const window = /** @type {import("./pixels.js").Window} */ (windowAround(preview, face.mesh, 0) ?? { x: 0, y: 0, width: 1, height: 1 });
        return { x: window.x / preview.width, y: window.y / preview.height, width: window.width / preview.width, height: window.height / preview.height };
    });
    return { width, height, faces: boxes, preview: await createImageBitmap(preview) };
}

const opened = () => {
    if (!photo) throw new EditorError("no-photo", "no photo is open");
    return photo;
};

/** @param {Step[]} steps @returns {string[]} */
const stickersOf = (steps) => steps.filter(({ effect }) => effect === "sticker").map(({ options }) => options?.which ?? EFFECTS.sticker.options.which);

/** What steps need besides the faces. @param {Step[]} steps @param {number[]} [faces] */
async function prepare(steps, faces) {
    const { preview, scene } = opened(), chosen = scene.faces.filter((_, i) => !faces || faces.includes(i));
    await loadStickers(base, manifest.stickers, stickersOf(steps));
    await planEdits(reader, new Pyramid(preview), chosen, steps);
    if (reader.networks.parser && steps.some(({ effect }) => EFFECTS[effect]?.needs === "parser" || effect === "sticker")) await reader.lookAround(preview, chosen);
}

/** The photo at the size of the screen, with the steps. @param {{steps: Step[], faces?: number[]}} asked */
async function render({ steps, faces }) {
    const { preview, scene } = opened(), started = performance.now(), picture = new ImageData(preview.data.slice(), preview.width, preview.height);
    await prepare(steps, faces);
    applySteps(picture, scene, steps, faces);
    return { preview: await createImageBitmap(picture), ms: performance.now() - started };
}

/** The photo's file at full size, with the steps and the marks of an edit. @param {{steps: Step[], faces?: number[], format?: "jpeg" | "png"}} asked */
async function save({ steps, faces, format }) {
    await prepare(steps, faces);
    const { full, scene, by, bytes, type } = opened(), picture = new ImageData(full.data.slice(), full.width, full.height);
    const large = { faces: scene.faces.map((face) => scaledFace(face, 1 / by)), person: scene.person };
    applySteps(picture, large, steps, faces);
    const canvas = new OffscreenCanvas(full.width, full.height);
    /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(picture, 0, 0);
    const chosen = format ?? (type === "image/png" ? "png" : "jpeg"), blob = await canvas.convertToBlob({ type: `image/${chosen}`, quality: 0.95 });
    const what = steps.map((step) => `${step.effect}${step.effect.startsWith(EDIT) ? (step.options?.value === false ? "=no" : "=yes") : ""} ${(step.strength ?? 1).toFixed(2)}`).join("; "), hides = steps.some((step) => step.effect === "anonymise");
    const file = marked(new Uint8Array(await blob.arrayBuffer()), editedXmp(what, `Lianpu ${manifest.version}`, steps.some((step) => step.effect.startsWith(EDIT))), hides ? null : bytes);
    return { file: new Blob([file], { type: blob.type }), ending: chosen === "png" ? ".png" : ".jpg" };
}

/** Small pictures of one face with each of some steps: what tiles show. @param {{sets: Step[][], face?: number}} asked */
async function thumbnails({ sets, face = 0 }) {
    for (const steps of sets) if (live.kept) await loadStickers(base, manifest.stickers, stickersOf(steps)); else await prepare(steps, [face]);
    const preview = live.kept ?? opened().preview, one = live.kept ? live.faces[0] : opened().scene.faces[face];
    if (!one) return { pictures: [] };
    const side = Math.min(4.6 * one.unit, preview.width, preview.height), [cx, cy] = [one.mesh[8], one.mesh[9] - 0.35 * one.unit];
    const left = Math.max(0, Math.min(preview.width - side, cx - side / 2)), top = Math.max(0, Math.min(preview.height - side, cy - side / 2)), by = THUMB_PX / side;
    const canvas = new OffscreenCanvas(preview.width, preview.height);
    /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(preview, 0, 0);
    const bitmap = await createImageBitmap(canvas, left, top, side, side, { resizeWidth: THUMB_PX, resizeHeight: THUMB_PX, resizeQuality: "high" }), plain = pixelsOf(bitmap, THUMB_PX, THUMB_PX);
    bitmap.close();
    const moved = shiftedFace(scaledFace(one, by), -left * by, -top * by);
    const pictures = [];
    for (const steps of sets) {
        const picture = new ImageData(plain.data.slice(), THUMB_PX, THUMB_PX);
        const here = steps.some((step) => EFFECTS[step.effect]?.scope === "photo") ? await reader.personOf(new Pyramid(picture)) : null;
        applySteps(picture, { faces: [moved], person: here }, steps);
        pictures.push(await createImageBitmap(picture));
    }
    return { pictures };
}

/** @param {Face} face @param {number} dx @param {number} dy @returns {Face} */
function shiftedFace(face, dx, dy) {
    const points = (/** @type {Float32Array} */ of) => of.map((value, i) => value + (i % 2 ? dy : dx));
    const matrix = (/** @type {import("./pixels.js").Matrix} */ [a, b, c, d, e, f]) => /** @type {import("./pixels.js").Matrix} */ ([a, b, c - a * dx - b * dy, d, e, f - d * dx - e * dy]);
    const shares = (/** @type {Face["shares"]} */ of) => of && { ...of, matrix: matrix(of.matrix) };
    return { ...face, points: points(face.points), mesh: points(face.mesh), alignment: matrix(face.alignment), shares: shares(face.shares), around: shares(face.around), others: [] };
}

/** One frame of a camera, with the steps. @param {{bitmap: ImageBitmap, steps: Step[]}} asked */
async function frame({ bitmap, steps }) {
    const started = performance.now(), picture = pixelsOf(bitmap, bitmap.width, bitmap.height), pyramid = new Pyramid(picture), number = live.frame++;
    bitmap.close();
    const before = live.faces;
    live.faces = [];
    for (const face of before) { // one after the other: a network answers one question at a time
        const now = steadied(await reader.follow(pyramid, face), face);
        if (now) live.faces.push(now);
    }
    if (!live.faces.length || number % SEARCH_EVERY === 0) await welcome(pyramid);
    const needs = steps.map((step) => EFFECTS[step.effect]?.needs), wantsParser = steps.length && reader.networks.parser, wantsHair = needs.includes("parser");
    for (const [i, face] of live.faces.entries()) {
        const turn = (number + i) % (2 * PARSE_EVERY);
        if (wantsParser && (!face.shares || turn % PARSE_EVERY === 0)) await reader.parse(pyramid, face, 256, !face.shares || turn === 0 || !wantsHair, wantsHair && (!face.around || turn !== 0));
        if (wantsHair && face.shares) face.hair = averaged(face.hair ?? null, hairLook(picture, face));
    }
    inform(live.faces);
    await loadStickers(base, manifest.stickers, stickersOf(steps));
    if (number % 3 === 0 || live.faces.some((face) => !face.edits.size)) await planEdits(reader, pyramid, live.faces, steps, true);
    if (needs.includes("person") && (number % 2 === 0 || !live.person)) live.person = await reader.personOf(pyramid);
    if (live.keeps && live.faces.length && number > 2) {
        if (reader.networks.parser) for (const face of live.faces) await reader.parse(pyramid, face, 256, !face.shares, !face.around);
        live.kept = new ImageData(picture.data.slice(), picture.width, picture.height);
        live.keeps = false;
    }
    applySteps(picture, { faces: live.faces, person: live.person }, steps);
    return { frame: await createImageBitmap(picture), faces: live.faces.length, kept: live.kept !== null, ms: performance.now() - started };
}

/** Adds faces that are new, drops what is the same face twice. @param {Pyramid} pyramid */
async function welcome(pyramid) {
    for (const found of await reader.detectQuickly(pyramid)) {
        const [x, y] = [(found.box[0] + found.box[2]) / 2, (found.box[1] + found.box[3]) / 2];
        if (live.faces.some((face) => Math.hypot(face.mesh[8] - x, face.mesh[9] - y) < 1.2 * face.unit)) continue;
        const face = await reader.meshOf(pyramid, found);
        if (face) live.faces.push(face);
    }
}

/** Less tremble where a face hardly moves, no lag where it does (Casiez et al. 2012, 1 Euro Filter). @param {Face | null} face @param {Face} before */
function steadied(face, before) {
    if (!face) return null;
    let moved = 0;
    for (let i = 0; i < face.mesh.length; i++) moved += Math.abs(face.mesh[i] - before.mesh[i]);
    const share = Math.min(1, 0.35 + 25 * moved / face.mesh.length / face.unit);
    face.mesh.forEach((value, i) => { face.mesh[i] = before.mesh[i] + share * (value - before.mesh[i]); });
    for (const name of /** @type {(keyof import("./faces.js").Pose)[]} */ (["yaw", "pitch", "roll", "eyes", "temples"])) {
        const turned = face.pose[name] - before.pose[name];
        if (Math.abs(turned) < 1) face.pose[name] = before.pose[name] + share * turned;
    }
    return face;
}

/** @param {import("./effects.js").HairLook | null} old @param {import("./effects.js").HairLook | null} now */
function averaged(old, now) {
    if (!old || !now) return now ?? old;
    const mix = (/** @type {keyof import("./effects.js").HairLook} */ name) => old[name] + 0.1 * (now[name] - old[name]);
    return { low: mix("low"), middle: mix("middle"), high: mix("high"), a: mix("a"), b: mix("b") };
}

async function closeLive() {
    Object.assign(live, { faces: [], frame: 0, person: null, kept: null, keeps: true });
    return {};
}

/** @type {Record<string, (asked: any, report: any) => Promise<any>>} */
const CALLS = { open, openPhoto, render, save, thumbnails, frame, closeLive };

/** Calls are answered one after the other: networks take one question at a time, and a photo must not change under an edit. */
let turn = Promise.resolve();

self.onmessage = ({ data }) => { turn = turn.then(() => answer(data)); };

/** @param {{id: number, call: string, asked: any}} data */
async function answer({ id, call, asked }) {
    try {
        const result = await CALLS[call](asked, (/** @type {number} */ loaded, /** @type {number} */ total) => self.postMessage({ id, progress: { loaded, total } }));
        const moved = Object.values(result).flat().filter((value) => value instanceof ImageBitmap);
        self.postMessage({ id, result }, { transfer: moved });
    } catch (problem) {
        const known = problem instanceof EditorError, error = /** @type {Error} */ (problem);
        if (!known) console.error(error);
        self.postMessage({ id, error: { kind: known ? problem.kind : "defect", message: error.message } });
    }
}
