// @ts-check
/** Colours of hair: the curves and targets of `lianpu.effects.hair`, by luma as in `lianpu.effects.live_hair`. */
import { clamp, interp, labOfColor, rgbOf, smoothstep } from "./pixels.js";

/** @typedef {import("./effects.js").HairLook} HairLook */
/**
 * What hair of each luma (0 to 255) becomes.
 * @typedef {{old: Float32Array, now: Float32Array, light: Float32Array, newLight: Float32Array, middle: number, depth: number}} LumaTone
 *     old, now: red, green, blue from 0 to 255 of each luma; light, newLight: L of CIE Lab
 */

const MIDDLE = [6.2, 21.9, 47.6, 54.6, 85], STEEPEST = 3.2, STEEPEST_BELOW = 4.6, HUE_TURN = 0.28;
const SPREAD = [[-4.6, -16.9, -22.5, -27, -34], [22.1, 27.8, 21, 23.7, 10]];
const LIGHTS = [0, 5, 15, 25, 35, 45, 55, 65, 75, 85, 95, 100], CHROMAS = [0, 0.29, 0.61, 0.79, 0.91, 0.98, 1, 0.94, 0.84, 0.68, 0.5, 0.25];
const VIVID = [[0, 0.3, 0.6, 1, 1.2], [0, 0.26, 0.62, 1, 1.08]], PALER = 0.55, MUTED = 0.46;
/** @type {Record<string, [number, number]>} chroma, hue */
const SHADE_TONE = { black: [2.6, 50], brown: [14.5, 58], blond: [24, 70], gray: [5, 72] };
const PALE = [[5, 10, 16, 20, 25, 39], [0.3, 0.55, 0.7, 0.93, 1, 1.18]];
/** @type {Record<string, [number, number, number]>} */
const LOOKS = { black: [2.66, 0.45, 0.41], brown: [4.53, 1.75, 2.48], blond: [7.4, 0.93, 2.84], gray: [6.98, 0.45, 0.97] };
const LOOKS_INVERSE = inverted([[1.24, -0.02, 0.04], [-0.02, 0.73, 0.4], [0.04, 0.4, 1.55]]);

/** @param {number[][]} m three by three */
function inverted([[a, b, c], [d, e, f], [g, h, i]]) {
    const A = e * i - f * h, B = f * g - d * i, C = d * h - e * g, by = 1 / (a * A + b * B + c * C);
    return [[A, c * h - b * i, b * f - c * e], [B, a * i - c * g, c * d - a * f], [C, b * g - a * h, a * e - b * d]].map((row) => row.map((value) => value * by));
}

/** The chance that hair is called by each colour. @param {HairLook} look @returns {Record<string, number>} */
export function hairChances({ middle, a, b }) {
    const seen = [Math.sqrt(Math.max(middle, 0)), 10 * a / (middle + 16), 10 * b / (middle + 16)];
    const far = Object.entries(LOOKS).map(([name, mean]) => {
        const off = seen.map((value, i) => value - mean[i]);
        return /** @type {[string, number]} */ ([name, off.reduce((sum, value, i) => sum + value * LOOKS_INVERSE[i].reduce((all, by, j) => all + by * off[j], 0), 0)]);
    });
    const least = Math.min(...far.map(([, d]) => d)), total = far.reduce((sum, [, d]) => sum + Math.exp((least - d) / 2), 0);
    return Object.fromEntries(far.map(([name, d]) => [name, Math.exp((least - d) / 2) / total * (1 - smoothstep(d, 7, 14))]));
}

/** Lab of the wanted colour, and how far hair shall be changed, 0 to 1. @param {string} shade @param {string} color @param {HairLook} look @param {{light: number, chroma: number}} skin @returns {[number[], number]} */
export function shadeTarget(shade, color, look, skin) {
    if (shade === "picked") {
        const picked = labOfColor(color), [l, a, b] = picked, vivid = 1 - naturalness(picked), rest = 1 - 0.08 * vivid;
        return [[l - vivid * Math.min(0.16 * l, 5), rest * a, rest * b], 1]; // people take the lit strands for a vivid colour
    }
    const lit = skin.light - 66, before = look.middle;
    const light = {
        black: 4.8 + 0.06 * before, brown: clamp(21 + 0.2 * lit + 0.08 * (before - 30), 14, 27),
        blond: clamp(56 + 0.3 * lit + 0.15 * (before - 20), 46, 64), gray: clamp(50 + 0.35 * lit + 0.25 * (before - 25), 32, 66),
    }[shade];
    if (light === undefined) throw new RangeError(`no shade is called ${shade}; known: picked, ${Object.keys(SHADE_TONE).join(", ")}`);
    const [usual, hue] = SHADE_TONE[shade], chroma = usual * interp(skin.chroma, PALE[0], PALE[1]) ** (shade === "blond" ? 1 : 0.4), angle = hue * Math.PI / 180;
    return [[light, chroma * Math.cos(angle), chroma * Math.sin(angle)], 1 - smoothstep(hairChances(look)[shade], 0.72, 0.92)];
}

/** 0 for a vivid colour to 1 for one that hair has by nature. @param {number[]} target */
function naturalness([, a, b]) {
    const chroma = Math.hypot(a, b), hue = Math.atan2(b, a) * 180 / Math.PI;
    return chroma < 8 ? 1 : (1 - smoothstep(chroma, 30, 42)) * smoothstep(hue, 20, 40) * (1 - smoothstep(hue, 90, 110));
}

/** New lightness for each old one. @param {HairLook} look @param {number} target @param {number} shine */
function lightness(look, target, shine) {
    const middle = clamp(look.middle, 0.5, 99.5), low = Math.min(clamp(look.low, 0.5, 99.5), middle - 0.4), high = Math.max(clamp(look.high, 0.5, 99.5), middle + 0.4);
    const usual = SPREAD.map((column) => interp(middle, MIDDLE, column)), wanted = SPREAD.map((column) => interp(target, MIDDLE, column));
    const even = (/** @type {number} */ ratio) => clamp(Math.sqrt(ratio), 0.5, 1.4);
    let below = Math.min(-wanted[0] * even((middle - low) / -usual[0]), 0.8 * target), above = shine * wanted[1] * even((high - middle) / usual[1]);
    const usualBelow = below;
    below = Math.min(below, STEEPEST_BELOW * (middle - low)); above = Math.min(above, STEEPEST * (high - middle));
    const values = [target - below, target, Math.min(target + above, 96)], first = Math.max(0, values[0] - Math.min(STEEPEST_BELOW, below / (middle - low)) * (low + 1)), last = Math.min(100, values[2] + 0.8 * (101 - high));
    const curve = pchip([-1, low, middle, high, 101], [Math.min(first, values[0]), ...values, Math.max(last, values[2])]);
    return { curve: (/** @type {number} */ light) => clamp(curve(light), 0, 100), middle, depth: (usualBelow - below) / (middle - low) };
}

/** A monotonic cubic curve (Fritsch & Butland 1984, as SciPy's PchipInterpolator). @param {number[]} x @param {number[]} y @returns {(at: number) => number} */
function pchip(x, y) {
    const n = x.length, h = x.slice(1).map((one, i) => one - x[i]), d = h.map((step, i) => (y[i + 1] - y[i]) / step), m = new Array(n).fill(0);
    for (let i = 1; i + 1 < n; i++) {
        if (d[i - 1] * d[i] <= 0) continue;
        const one = 2 * h[i] + h[i - 1], two = h[i] + 2 * h[i - 1];
        m[i] = (one + two) / (one / d[i - 1] + two / d[i]);
    }
    const end = (/** @type {number} */ h0, /** @type {number} */ h1, /** @type {number} */ d0, /** @type {number} */ d1) => {
        const slope = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
        if (slope * d0 <= 0) return 0;
        return d0 * d1 < 0 && Math.abs(slope) > 3 * Math.abs(d0) ? 3 * d0 : slope;
    };
    m[0] = end(h[0], h[1], d[0], d[1]); m[n - 1] = end(h[n - 2], h[n - 3], d[n - 2], d[n - 3]);
    return (at) => {
        let i = 0;
        while (i < n - 2 && at > x[i + 1]) i++;
        const t = (at - x[i]) / h[i], t2 = t * t, t3 = t2 * t;
        return (2 * t3 - 3 * t2 + 1) * y[i] + (t3 - 2 * t2 + t) * h[i] * m[i] + (3 * t2 - 2 * t3) * y[i + 1] + (t3 - t2) * h[i] * m[i + 1];
    };
}

/** The table that gives hair of a look the colour `target` (Lab of its median). @param {HairLook} look @param {number[]} target @returns {LumaTone} */
export function lumaTone(look, target) {
    const natural = naturalness(target), { curve, middle, depth } = lightness(look, target[0], 1 - MUTED * (1 - natural));
    const chroma = Math.hypot(target[1], target[2]), hue = Math.atan2(target[2], target[1]) * 180 / Math.PI, base = interp(Math.max(target[0], 3), LIGHTS, CHROMAS);
    /** @type {number[][]} */
    const rows = [];
    for (let i = 0; i < 256; i++) {
        const light = 100 * i / 255, dim = (light + 16) / (look.middle + 16), a = look.a * dim, b = look.b * dim, now = curve(light);
        const vivid = interp(now / Math.max(target[0], 3), VIVID[0], VIVID[1]) * (1 - PALER * smoothstep(now - target[0], 3, 28)); // shine shows the light itself
        const relative = natural * Math.min(interp(now, LIGHTS, CHROMAS) / base, 2) + (1 - natural) * vivid, angle = (hue + natural * clamp(HUE_TURN * (now - target[0]), -18, 14)) * Math.PI / 180;
        const extra = Math.max(dim - 1, 0), kept = 0.35 * clamp((light + 8) / (now + 8), 0.3, 1);
        const old = rgbOf(light, a, b), fresh = rgbOf(now, chroma * relative * Math.cos(angle) + kept * extra * look.a, chroma * relative * Math.sin(angle) + kept * extra * look.b);
        rows.push([255 * (0.299 * old[0] + 0.587 * old[1] + 0.114 * old[2]), ...old.map((value) => 255 * value), ...fresh.map((value) => 255 * value), light, now]);
    }
    for (let i = 1; i < 256; i++) rows[i][0] = Math.max(rows[i][0], rows[i - 1][0] + 1e-4);
    const tone = { old: new Float32Array(768), now: new Float32Array(768), light: new Float32Array(256), newLight: new Float32Array(256), middle, depth };
    for (let luma = 0, i = 0; luma < 256; luma++) {
        while (i < 254 && rows[i + 1][0] < luma) i++;
        const t = clamp((luma - rows[i][0]) / Math.max(rows[i + 1][0] - rows[i][0], 1e-6), 0, 1), at = (/** @type {number} */ k) => rows[i][k] + t * (rows[i + 1][k] - rows[i][k]);
        for (let c = 0; c < 3; c++) { tone.old[3 * luma + c] = at(1 + c); tone.now[3 * luma + c] = at(4 + c); }
        tone.light[luma] = at(7); tone.newLight[luma] = at(8);
    }
    return tone;
}
