// @ts-check
/** Drawn stickers, which turn with the head in three dimensions: the formulas of `lianpu.effects.stickers`, over the drawings that the build wrote. */
import { blurred, clamp, inverse, mapPoints, quantile, smoothstep } from "./pixels.js";
import { PARTS, shareOver } from "./faces.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./pixels.js").Matrix} Matrix */
/** @typedef {import("./faces.js").Face} Face */
/** @typedef {{w: number, h: number, data: Uint8ClampedArray}} Drawing RGB times alpha, and alpha */
/**
 * A drawing in one plane (`lianpu.effects.sticker_art.Layer`); `box`: left, top, right, bottom around its place, in units.
 * @typedef {{file: string, px: number, box: number[], place: string, plane: string, under_hair: boolean, shadow: number, scale: number, wide: string, movable: boolean, smallest: number, lowest: number, down: number, drop: number, deep: number, bulk: number, on: number | null, leans: boolean, falls: boolean, lens: string}} Layer
 */
/** @typedef {{origin: number[], unit: number, axes: number[][], roll: number, yaw: number, half: number, places: Record<string, number[]>}} Head axes: across, down, inwards, each x and y in pixels */
/** @typedef {{top: number, half: number, line: number, crown: number}} Skull in units from between the eyes; crown: half its width where a crown sits, as a factor of what such a head has there */
/** What goes around the head; `radius`: the one that x is drawn for; `sunk`: how much of its left and right end hair covers. @typedef {{place: number[], half: number, drop: number, deep: number, high: number, bulk: number, radius: number, sunk: number[]}} Ring */
/** @typedef {{seen: Seen, ring: Ring | null}} Lies */
/** @typedef {(x: number, y: number) => [number, number]} Seen where a point of a layer is seen */

const RADIUS = 1.2, RING_FRONT = -0.1, LENS_RADIUS = 2.8, BULK_ANGLE = 66 * Math.PI / 180, USUAL_FACE = 1.12, BELOW_TOP = 0.22, DIM = 0.55, LIGHT_SKIN = [1, 0.84, 0.74];
const HIDDEN_YAW = [28, 45];
const OF_HEAD = ["skin", "hair", "hat", "l_brow", "r_brow"], FACE = ["skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow"];
const OWN = [...FACE, "hair", "hat", "l_ear", "r_ear", "u_lip", "l_lip", "mouth", "neck"];
const DOWN = [0, 0.12, 0.24, 0.36, 0.48, 0.6, 0.75, 0.9], SCALES = [1, 0.92, 0.84, 0.76, 0.68, 0.6], HEIGHTS = [1, 0.85, 0.7, 0.6, 0.55], LEANS = [8, 16, 24, 30];
const PRICE_DOWN = 0.3, PRICE_SMALLER = 0.5, PRICE_LOWER = 0.35, PRICE_LEAN = 0.011, PRICE_LEFT = 0.02, PRICE_CUT = 3, SHADOW_SOFT = 0.045, SHADOW_MARGIN = 0.15;

/** Drawings by file and pixels to a unit. @type {Map<string, Drawing>} */
const drawings = new Map();
/** @type {Record<string, Layer[]>} */
let art = {};

/** Loads the drawings of stickers that are not here yet. @param {string} base @param {Record<string, Layer[]>} all what the manifest says @param {string[]} names */
export async function loadStickers(base, all, names) {
    art = all;
    for (const { file, px } of names.flatMap((name) => all[name] ?? [])) {
        if (drawings.has(`${file} ${px}`)) continue;
        const bitmap = await createImageBitmap(await (await fetch(new URL(file, base))).blob()), { width: w, height: h } = bitmap;
        const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true }));
        context.drawImage(bitmap, 0, 0);
        bitmap.close();
        const { data } = context.getImageData(0, 0, w, h);
        for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; c++) data[i + c] *= data[i + 3] / 255;
        drawings.set(`${file} ${px}`, { w, h, data });
    }
}

/** A drawing at some pixels to a unit, by halvings; `px` what it really has. @param {Layer} layer @param {number} wanted @returns {{drawing: Drawing, px: number}} */
function drawnAt({ file, px }, wanted) {
    let at = px;
    while (at / 2 >= wanted) {
        const { w, h, data } = /** @type {Drawing} */ (drawings.get(`${file} ${at}`)), small = { w: Math.max(1, Math.round(w / 2)), h: Math.max(1, Math.round(h / 2)), data: new Uint8ClampedArray() };
        at /= 2;
        if (drawings.has(`${file} ${at}`)) continue;
        small.data = new Uint8ClampedArray(4 * small.w * small.h);
        for (let y = 0; y < small.h; y++) for (let x = 0; x < small.w; x++) for (let c = 0; c < 4; c++) {
            const left = 2 * x, right = Math.min(w - 1, left + 1), top = 2 * y * w, below = Math.min(h - 1, 2 * y + 1) * w;
            small.data[4 * (y * small.w + x) + c] = (data[4 * (top + left) + c] + data[4 * (top + right) + c] + data[4 * (below + left) + c] + data[4 * (below + right) + c]) / 4;
        }
        drawings.set(`${file} ${at}`, small);
    }
    return { drawing: /** @type {Drawing} */ (drawings.get(`${file} ${at}`)), px: at };
}

/** The shadow of a drawing: black, and how many units it reaches beyond. @param {Layer} layer @param {Drawing} drawing @param {number} px */
function shadowOf(layer, { w, h, data }, px) {
    const margin = Math.round(SHADOW_MARGIN * px), W = w + 2 * margin, H = h + 2 * margin, key = `${layer.file} ${px} shadow`, known = drawings.get(key);
    if (known) return { drawing: known, reach: margin / px };
    const alpha = new Float32Array(W * H), drawing = { w: W, h: H, data: new Uint8ClampedArray(4 * W * H) };
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) alpha[(y + margin) * W + x + margin] = data[4 * (y * w + x) + 3];
    blurred(alpha, W, H, Math.max(0.4, SHADOW_SOFT * px)).forEach((value, i) => { drawing.data[4 * i + 3] = layer.shadow * value; });
    drawings.set(key, drawing);
    return { drawing, reach: margin / px };
}

/** @param {Face} face @returns {Head} */
function headOf({ points, mesh, pose }) {
    const at = (/** @type {number[]} */ ...which) => [0, 1].map((c) => which.reduce((sum, i) => sum + mesh[2 * i + c], 0) / which.length), far = (/** @type {number[]} */ a, /** @type {number[]} */ b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
    const { yaw: seen, pitch, roll } = pose, turned = Math.sign(seen) * Math.min(80 * Math.PI / 180, Math.abs(seen) + 0.8 * Math.max(0, Math.abs(seen) - 35 * Math.PI / 180)); // the mesh is too flat in profile
    const unit = Math.max(1, pose.eyes * far(at(33, 133), at(263, 362))), sine = Math.sin(turned), cosine = Math.cos(turned);
    const axes = [[cosine, 0], [Math.sin(pitch) * sine, Math.cos(pitch)], [-Math.cos(pitch) * sine, Math.sin(pitch)]].map(([x, y]) => [unit * (x * Math.cos(roll) - y * Math.sin(roll)), unit * (x * Math.sin(roll) + y * Math.cos(roll))]);
    const places = {
        nose: at(4), muzzle: at(4, 1, 2), left_muzzle: at(4, 1, 2), right_muzzle: at(4, 1, 2), moustache: at(164, 2), left_cheek: at(50), right_cheek: at(280), chin: at(152),
        left_ear: at(127), right_ear: at(356), left_side: at(93), right_side: at(323), left_jaw: at(172), right_jaw: at(397), left_chin: at(149), right_chin: at(378),
    };
    return { origin: [(points[0] + points[2]) / 2, (points[1] + points[3]) / 2], unit, axes, roll, yaw: turned * 180 / Math.PI, half: clamp(pose.temples * far(at(127), at(356)) / (2 * unit), 1, 1.3), places };
}

/** Where a point of the head is seen. @param {Head} head @param {number} x @param {number} y @param {number} [z] */
const on = ({ origin, axes }, x, y, z = 0) => [0, 1].map((c) => origin[c] + x * axes[0][c] + y * axes[1][c] + z * axes[2][c]);

/** The share of parts at a point of the picture; 0 outside, and without a parser. @param {Picture} picture @param {Face} face @param {string[]} names @param {number[]} point */
function partAt({ width, height }, { shares, around }, names, point) {
    if (!shares || point[0] < -0.5 || point[1] < -0.5 || point[0] >= width - 0.5 || point[1] >= height - 0.5) return 0;
    for (const { side, planes, matrix } of around ? [shares, around] : [shares]) {
        const [x, y] = mapPoints(matrix, point).map(Math.round);
        if (x >= 0 && y >= 0 && x < side && y < side) return Math.min(1, names.reduce((sum, name) => sum + planes[(PARTS.indexOf(name) * side + y) * side + x], 0) / 255);
    }
    return 0;
}

/** How many of samples from the first on are in parts, small gaps filled. @param {number[]} seen */
function reachOf(seen) {
    const sums = seen.map((value, i) => (seen[i - 1] ?? 0) + value + (seen[i + 1] ?? 0)), end = sums.findIndex((sum) => sum <= 0.5);
    return end < 0 ? seen.length : end;
}

/** Half the width of a head at a height above the eyes. @param {Skull} skull @param {number} height */
const halfAt = ({ half, top }, height) => half * Math.sqrt(1 - 0.55 * clamp((height - 0.5) / Math.max(top - 0.5, 0.1), 0, 1) ** 2);

/** How far above the eyes a crown begins. @param {Skull} skull */
const headband = ({ line, top }) => Math.min(line + 0.12, top - 0.4);

/** How far above the eyes a headband lies. @param {Skull} skull */
const bandOf = (skull) => Math.max(skull.top - 0.3, headband(skull));

/** A point so many units to the right of another in the picture of an upright head. @param {Head} head @param {number[]} point @param {number} far */
const beside = ({ roll, unit }, [x, y], far) => [x + far * unit * Math.cos(roll), y + far * unit * Math.sin(roll)];

/** @type {Skull} */
const USUAL_SKULL = { top: 1.45, half: 1.22, line: 0.95, crown: 1 };

/** The outline of a head with its hair. @param {Picture} picture @param {Face} face @param {Head} head @returns {Skull} */
function skullOf(picture, face, head) {
    const heights = Array.from({ length: 35 }, (_, i) => 0.5 + 0.05 * i), tops = [], lines = [];
    if (!face.shares) return USUAL_SKULL;
    for (const x of [-0.3, 0, 0.3]) {
        const column = heights.map((height) => on(head, x, -height)), hair = column.findIndex((point) => partAt(picture, face, ["hair", "hat"], point) > 0.5);
        tops.push(0.5 + 0.05 * reachOf(column.map((point) => partAt(picture, face, OF_HEAD, point))));
        lines.push(hair < 0 ? 1 : heights[hair]);
    }
    if (Math.max(...tops) <= 0.7) return USUAL_SKULL;
    const halves = (/** @type {number[]} */ at) => at.flatMap((height) => [-1, 1].map((side) => {
        const middle = on(head, 0, -height, 0.9), row = Array.from({ length: 23 }, (_, i) => beside(head, middle, side * (0.6 + 0.05 * i)));
        return 0.6 + 0.05 * reachOf(row.map((point) => partAt(picture, face, OF_HEAD, point)));
    }));
    const top = clamp(quantile(tops, 0.5), 1.05, 1.9), skull = { top, half: clamp(quantile(halves([0.5, 0.7, 0.9]), 0.5), 1.1, 1.45), line: clamp(quantile(lines, 0.5), 0.85, Math.min(1.05, top - 0.2)), crown: 1 };
    const [left, right] = halves([headband(skull)]);
    return { ...skull, crown: clamp((left + right) / 2 / halfAt(skull, headband(skull)), 0.86, 1.08) };
}

/** @param {Head} head @param {Skull} skull @returns {Record<string, number[]>} */
function placesOf(head, skull) {
    return {
        between_eyes: head.origin, left_hinge: on(head, -0.95 * head.half, 0, 0.17), right_hinge: on(head, 0.95 * head.half, 0, 0.17), brim: on(head, 0, -Math.max(0.7, Math.min(0.88, skull.top - 0.55)), 0.25),
        hairline: on(head, 0, -skull.line, RING_FRONT), headband: on(head, 0, -headband(skull), RING_FRONT), top: on(head, 0, -(skull.top - BELOW_TOP), 0.9), band: on(head, 0, -bandOf(skull), 0.35), above: on(head, 0, -(skull.top + 0.28), 0.9), ...head.places,
    };
}

/** A unit along x and y of the picture's plane, leaning with the head. @param {Head} head @param {string} plane */
function upright({ unit, roll, yaw }, plane) {
    const cosine = unit * Math.cos(roll), sine = unit * Math.sin(roll), aside = plane === "ears" ? Math.max(0.5, Math.cos(yaw * Math.PI / 180)) : 1;
    return [[aside * cosine, aside * sine], [-sine, cosine]];
}

/** The plane of a layer: a unit along x and y in pixels of the picture; null where it is turned away. @param {Layer} layer @param {Head} head @param {Record<string, number[]>} places */
function planeOf({ plane }, head, places) {
    if (plane === "head" || plane === "ears") return upright(head, plane);
    if (plane === "face") return [head.axes[0], head.axes[1]];
    const side = plane.split("_")[0], ear = [0, 1].map((c) => places[`${side}_ear`][c] - places[`${side}_hinge`][c]);
    return (side === "left" ? -1 : 1) * (ear[0] * Math.cos(head.roll) + ear[1] * Math.sin(head.roll)) < 0.06 * head.unit ? null : [ear, head.axes[1]];
}

/** What lies flat. @param {number[]} at @param {number[][]} plane a unit along x and y @param {number} wide @param {number} high factors @returns {Lies} */
const flat = (at, [x, y], wide, high) => ({ seen: (u, v) => [at[0] + wide * u * x[0] + high * v * y[0], at[1] + wide * u * x[1] + high * v * y[1]], ring: null });

/** What goes around the head. @param {Head} head @param {Ring} ring @returns {Lies} */
function around({ axes: [across, down, inward] }, ring) {
    const { place, half, drop, deep, high, radius } = ring, seen = (/** @type {number} */ x, /** @type {number} */ y) => {
        const angle = x / radius, back = 1 - Math.cos(angle), u = half * Math.sin(angle), v = high * y + drop * back;
        return [0, 1].map((c) => place[c] + u * across[c] + v * down[c] + deep * back * inward[c]);
    };
    return { seen: /** @type {Seen} */ (seen), ring };
}

/** What stands on a ring: in the picture's plane, as wide and high as the ring has room for. @param {Layer} layer @param {Head} head @param {Lies} lies @returns {Lies} */
function standing({ on: degrees }, head, { seen, ring }) {
    const high = ring?.high ?? 1;
    return flat(seen((degrees ?? 0) * Math.PI / 180 * RADIUS, 0), upright(head, "ears"), (1 + high) / 2, high);
}

/** Where a layer lies; one that may move lies within the picture as far as that can be. @param {Layer} layer @param {Head} head @param {Skull} skull @param {Record<string, number[]>} places @param {Picture} picture @param {Face} face @returns {Lies | null} */
function fitted(layer, head, skull, places, picture, face) {
    const place = places[layer.place], isRing = layer.plane === "ring", size = layer.scale * (layer.wide === "face" ? head.half / USUAL_FACE : layer.wide === "head" ? skull.half / 1.22 : 1), down = head.axes[1];
    if (layer.plane === "front") return around(head, { place, half: LENS_RADIUS * size, drop: 0, deep: LENS_RADIUS * size, high: size, bulk: 0, radius: LENS_RADIUS, sunk: [0, 0] });
    const plane = isRing ? null : planeOf(layer, head, places), upwards = upright(head, "head");
    if (!plane && !isRing) return null;
    const half = layer.place === "band" ? skull.half : 1.02 * skull.crown * halfAt(skull, layer.place === "headband" ? headband(skull) : skull.line);
    const turned = (/** @type {number} */ lean, /** @type {number[]} */ [x, y]) => { const cosine = Math.cos(lean), sine = Math.sin(lean); return [x * cosine - y * sine, x * sine + y * cosine]; };
    const aside = (/** @type {number} */ lean) => { // from the top of a head to where what leans sits on it
        const x = 0.8 * skull.half * Math.sin(lean), y = (skull.top - BELOW_TOP - 0.35) * (1 - Math.cos(lean));
        return [0, 1].map((c) => x * upwards[0][c] + y * upwards[1][c]);
    };
    const lies = (/** @type {number} */ scale, /** @type {number} */ high, /** @type {number} */ lower, /** @type {number} */ lean) => {
        const by = size * scale, moved = plane ? aside(lean) : [0, 0], at = [0, 1].map((c) => place[c] + moved[c] + lower * down[c]);
        return plane ? flat(at, plane.map((axis) => turned(lean, axis)), by, by * high) : around(head, { place: at, half, drop: layer.drop, deep: layer.deep, high: by * high, bulk: layer.bulk, radius: RADIUS, sunk: [0, 0] });
    };
    const usual = lies(1, 1, 0, 0);
    if (!layer.movable) return usual;
    const lowest = Math.max(layer.down, layer.place === "top" ? skull.top - BELOW_TOP - skull.line + (layer.leans ? 0.2 : 0.1) : layer.place === "band" ? bandOf(skull) - skull.line + 0.02 : 0), [left, top, right, bottom] = layer.box, seven = [...Array(7).keys()];
    const origin = usual.seen(0, 0), from = (/** @type {number} */ x, /** @type {number} */ y) => { const at = usual.seen(x, y); return [at[0] - origin[0], at[1] - origin[1]]; };
    const across = seven.map((i) => from(isRing ? -0.8 + 1.6 * i / 6 : 0.9 * (left + (right - left) * i / 6), 0)), along = seven.map((i) => from(0, 0.94 * top + (0.5 * bottom - 0.94 * top) * i / 6));
    let best = Infinity, found = [1, 1, 0, 0];
    for (const degrees of layer.leans ? [...LEANS, ...LEANS.map((one) => -one)] : [0]) {
        const lean = degrees * Math.PI / 180, moved = aside(lean), rows = across.map((one) => turned(lean, one)), columns = along.map((one) => turned(lean, one));
        for (const lower of DOWN) for (const scale of SCALES) for (const high of HEIGHTS) {
            if (high < layer.lowest || scale < layer.smallest || lower > lowest) continue;
            const wide = isRing ? 1 : scale, at = [0, 1].map((c) => origin[c] + moved[c] + lower * down[c]);
            let inside = 0;
            for (const a of rows) for (const b of columns) {
                const x = at[0] + wide * a[0] + scale * high * b[0], y = at[1] + wide * a[1] + scale * high * b[1];
                if (x > -0.5 && y > -0.5 && x < picture.width - 0.5 && y < picture.height - 0.5) inside++;
            }
            const price = PRICE_DOWN * lower + PRICE_SMALLER * (1 - scale) + PRICE_LOWER * (1 - high) + PRICE_LEAN * Math.abs(degrees) + (degrees < 0 ? PRICE_LEFT : 0) + PRICE_CUT * (1 - inside / 49);
            if (price < best - 1e-9) { best = price; found = [scale, high, lower, lean]; }
        }
    }
    const chosen = lies(found[0], found[1], found[2], found[3]);
    if (chosen.ring) chosen.ring.sunk = [-1, 1].map((side) => { // hair beyond an end covers it
        const end = chosen.seen(side * 80 * Math.PI / 180 * RADIUS, 0);
        return seven.reduce((sum, i) => sum + partAt(picture, face, ["hair"], beside(head, end, side * (0.16 + 0.04 * i))), 0) / 7;
    });
    return chosen;
}

/** The light on a sticker, by the light parts of the face. @param {Picture} picture @param {Head} head */
function lightAt({ width, height, data }, { origin, unit }) {
    const span = (/** @type {number} */ middle, /** @type {number} */ most) => [Math.max(0, Math.trunc(middle - 1.2 * unit)), Math.min(most, Math.max(1, Math.trunc(middle + 1.2 * unit)))];
    const [left, right] = span(origin[0], width), [top, bottom] = span(origin[1], height), across = Math.max(1, Math.floor((right - left) / 48)), down = Math.max(1, Math.floor((bottom - top) / 48)), some = [];
    for (let y = top; y < bottom; y += down) for (let x = left; x < right; x += across) { const i = 4 * (y * width + x); some.push([data[i], data[i + 1], data[i + 2]]); }
    if (!some.length) return [1, 1, 1];
    const light = quantile(some.map((one) => Math.max(...one)), 0.95), bright = some.filter((one) => Math.max(...one) >= 0.8 * light), lit = LIGHT_SKIN.map((by, c) => bright.reduce((sum, one) => sum + one[c], 0) / bright.length / by);
    const mean = Math.max((lit[0] + lit[1] + lit[2]) / 3, 1), bare = DIM + (1 - DIM) * smoothstep(light, 40, 200);
    return lit.map((value) => bare * Math.min(clamp((value / mean) ** 0.3, 0.88, 1.1), 1));
}

/** How much wider glasses must be to cover those that the face wears; null where they would be a second pair. @param {Picture} picture @param {Face} face @param {Head} head @param {Layer} front */
function overWorn(picture, face, head, front) {
    const far = [], low = [];
    let eyes = 0;
    for (let i = 0; i < 57; i++) for (let j = 0; j < 29; j++) {
        const x = -1.4 + 2.8 * i / 56, y = -0.6 + 1.4 * j / 28, point = on(head, x, y);
        if (partAt(picture, face, ["eye_g"], point) > 0.5) { far.push(Math.abs(x)); low.push(y); }
        if (partAt(picture, face, ["l_eye", "r_eye"], point) > 0.5) eyes++;
    }
    if (!face.shares || far.length < 0.12 * 57 * 29) return 1;
    if (front.lens === "clear" || eyes < 4) return null;
    return clamp(Math.max(quantile(far, 0.96) / 1.02, quantile(low, 0.96) / 0.42) * USUAL_FACE / (head.half * front.scale), 1, 1.35);
}

/** Draws a sticker on a face, in place. @param {Picture} picture @param {Face} face @param {number} strength @param {Record<string, any>} options */
export function sticker(picture, face, strength, { which }) {
    const layers = art[which] ?? [];
    if (!layers.length || layers.some(({ file, px }) => !drawings.has(`${file} ${px}`))) return;
    let head = headOf(face);
    const skull = layers.some(({ movable, plane }) => movable || plane === "ring") ? skullOf(picture, face, head) : USUAL_SKULL, places = placesOf(head, skull), light = lightAt(picture, head);
    if (layers.some(({ lens }) => lens)) {
        const larger = overWorn(picture, face, head, layers[layers.length - 1]);
        if (larger === null) return;
        head = { ...head, half: larger * head.half };
    }
    const fits = layers.map((layer) => layer.on === null ? fitted(layer, head, skull, places, picture, face) : null), ring = fits.find((lies) => lies?.ring);
    for (const [i, layer] of layers.entries()) {
        const aside = /_(cheek|muzzle)$/.test(layer.place) ? (layer.place.startsWith("left_") ? -head.yaw : head.yaw) : 0, share = Math.min(1, strength) * (1 - smoothstep(aside, HIDDEN_YAW[0], HIDDEN_YAW[1])), lies = layer.on !== null && ring ? standing(layer, head, ring) : fits[i];
        if (share <= 0 || !lies) continue;
        const hidden = layer.falls ? [...FACE, "u_lip", "l_lip", "mouth"] : layer.under_hair ? ["hair", "hat"] : [], only = layer.plane.endsWith("side") ? FACE : [], { drawing, px } = drawnAt(layer, 0.7 * head.unit * layer.scale), [left, top] = layer.box;
        if (layer.shadow) {
            const { drawing: shade, reach } = shadowOf(layer, drawing, px);
            put(picture, face, head, lies, shade, [left - reach, top - reach + 0.05], px, { share, hidden, only: only.length ? only : OWN, light: [0, 0, 0], falls: false });
        }
        put(picture, face, head, lies, drawing, [left, top], px, { share, hidden, only, light, falls: layer.falls });
    }
}

/**
 * Composites a drawing where it lies, in place.
 * @param {Picture} picture @param {Face} face @param {Head} head @param {Lies} lies @param {Drawing} drawing @param {number[]} from left and top, in units @param {number} px
 * @param {{share: number, hidden: string[], only: string[], light: number[], falls: boolean}} how
 */
function put(picture, face, head, lies, drawing, from, px, { share, hidden, only, light, falls }) {
    const { seen, ring } = lies, [left, top] = from, right = left + drawing.w / px, bottom = top + drawing.h / px, { axes: [ax, down, inward] } = head;
    const size = down[0] * down[0] + down[1] * down[1], across = [down[1] / Math.max(size, 1e-6), -down[0] / Math.max(size, 1e-6)], dot = (/** @type {number[]} */ a, /** @type {number[]} */ b) => a[0] * b[0] + a[1] * b[1];
    const a = ring ? ring.half * dot(across, ax) : 0, b = ring ? ring.deep * dot(across, inward) : 0, far = Math.max(Math.hypot(a, b), 1e-6), turn = Math.atan2(b, a), bulk = ring?.bulk ?? 0, radius = ring?.radius ?? 1;
    const most = bulk ? (1 + bulk / far) * Math.sin(BULK_ANGLE) : 1, squeeze = bulk ? Math.sin(BULK_ANGLE) / most : 1;
    const corners = ring ? Array.from({ length: 61 }, (_, i) => turn + Math.PI * (i / 60 - 0.5)).flatMap((angle) => [seen(angle * radius, top), seen(angle * radius, bottom)]) : [seen(left, top), seen(right, top), seen(left, bottom), seen(right, bottom)];
    const span = (/** @type {number[]} */ values, /** @type {number} */ size) => { // a thick ring reaches farther
        const more = 0.5 * bulk * (Math.max(...values) - Math.min(...values));
        return [clamp(Math.floor(Math.min(...values) - more) - 1, 0, size), clamp(Math.ceil(Math.max(...values) + more) + 2, 0, size)];
    };
    const [x0, x1] = span(corners.map(([x]) => x), picture.width), [y0, y1] = span(corners.map(([, y]) => y), picture.height);
    const w = x1 - x0, h = y1 - y0;
    if (w < 1 || h < 1) return;
    const window = /** @type {any} */ ({ w, h }), to = /** @type {Matrix} */ ([1, 0, -x0, 0, 1, -y0]);
    const away = hidden.length && face.shares ? shareOver(face, window, to, hidden) : null, own = only.length && face.shares ? shareOver(face, window, to, only) : null;
    const [p, q, o] = [seen(1, 0), seen(0, 1), seen(0, 0)], back = ring ? null : inverse([p[0] - o[0], q[0] - o[0], o[0], p[1] - o[1], q[1] - o[1], o[1]]);
    const along = [down[0] / Math.max(size, 1e-6), down[1] / Math.max(size, 1e-6)], slopes = [dot(along, ax), 1, dot(along, inward)], unitPx = Math.sqrt(size), data = picture.data;
    for (let y = y0, i = 0; y < y1; y++) {
        for (let x = x0, at = 4 * (y * picture.width + x0); x < x1; x++, i++, at += 4) {
            let u, v, dim = 1, cover = share;
            if (ring) {
                const dx = x - ring.place[0], dy = y - ring.place[1], value = (dx * across[0] + dy * across[1] - b) / far, reach = Math.abs(value);
                cover *= clamp((most - reach) * far * unitPx, 0, 1);
                if (!cover) continue;
                const angle = turn + Math.asin(clamp(value * squeeze, -1, 1)), behind = 1 - Math.cos(angle), lower = dx * along[0] + dy * along[1] - slopes[0] * ring.half * Math.sin(angle) - (slopes[2] * ring.deep + ring.drop) * behind;
                u = (angle - left / radius) * radius * px - 0.5; v = (lower - top * ring.high) * px / ring.high - 0.5;
                dim = 0.55 + 0.45 * Math.sqrt(Math.max(0, 1 - value * value)); // the sides turn from the light
                if (bulk) { // round ends
                    const end = clamp((reach - (most - bulk / far)) * far / bulk, 0, 1);
                    cover *= clamp((Math.sqrt(1 - end * end) * 1.5 * bulk - Math.abs(lower)) * unitPx / 4 + 1, 0, 1);
                }
                cover *= 1 - ring.sunk[value < 0 ? 0 : 1] * smoothstep(reach / most, 0.74, 0.98);
            } else {
                const [k, l, m, n, r, s] = /** @type {Matrix} */ (back);
                u = (k * x + l * y + m - left) * px - 0.5; v = (n * x + r * y + s - top) * px - 0.5;
            }
            if (u <= -1 || v <= -1 || u >= drawing.w || v >= drawing.h) continue;
            if (away) cover *= 1 - smoothstep(away[i], 0.3, 0.7);
            if (own) cover *= smoothstep(own[i], 0.3, 0.7);
            if (falls) for (const [ox, oy, unit] of face.others) cover *= smoothstep(Math.hypot(x - ox, y - oy) / unit, 1.35, 1.6);
            const [red, green, blue, alpha] = sampled(drawing, u, v), kept = 1 - cover * alpha / 255, lit = cover * dim;
            data[at] = data[at] * kept + lit * light[0] * red; data[at + 1] = data[at + 1] * kept + lit * light[1] * green; data[at + 2] = data[at + 2] * kept + lit * light[2] * blue;
        }
    }
}

const four = new Float32Array(4);

/** A drawing, bilinearly at a place, transparent outside. @param {Drawing} drawing @param {number} u @param {number} v */
function sampled({ w, h, data }, u, v) {
    const x = Math.floor(u), y = Math.floor(v), p = u - x, q = v - y;
    four.fill(0);
    for (const [dx, dy, share] of [[0, 0, (1 - p) * (1 - q)], [1, 0, p * (1 - q)], [0, 1, (1 - p) * q], [1, 1, p * q]]) {
        if (x + dx < 0 || y + dy < 0 || x + dx >= w || y + dy >= h) continue;
        const i = 4 * ((y + dy) * w + x + dx);
        for (let c = 0; c < 4; c++) four[c] += share * data[i + c];
    }
    return four;
}
