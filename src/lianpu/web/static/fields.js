// @ts-check
/**
 * Fields of an editor (flow, colour transforms, gains of detail, a small residual), applied to the picture at its own size: the formula is
 * that of `lianpu.stargan.fields` and `lianpu.editing.field_transfer`.
 */
import { blurred, clamp, compose, inverse, resized, scaling, smoothstep, toView, viewOf, warpInPlace } from "./pixels.js";
import { alignmentOf, PARTS, shareOver, windowOf } from "./faces.js";
import { fieldsGl } from "./gl.js";

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./pixels.js").Plane} Plane */
/** @typedef {import("./faces.js").Face} Face */
/**
 * Fields of one face. Planes of `grid` cells a side, of the residual `small`, of the blurred crop `side`.
 * @typedef {{side: number, grid: number, small: number, flow: Plane, colours: Plane, gains: Plane, residual: Plane, soft: Plane[], softer: Plane[]}} Fields
 */

/** How steps begin that an editor does: `edit Male`, with `value` true or false. */
export const EDIT = "edit ";

/** @param {string} effect @param {Record<string, any>} options */
export const editKey = (effect, options) => `${effect}=${options.value === false ? "no" : "yes"}`;

const SIGMAS = [1.25 / 128, 4 / 128];
const HEAD = PARTS.filter((name) => !["background", "hat", "ear_r", "neck_l", "cloth"].includes(name));

/**
 * The mean of the fields of a crop and of its mirror image.
 * @param {Record<string, {data: Float32Array, dims: readonly number[]}>} outputs of a batch of two, the second mirrored
 * @param {Float32Array} crop its planes, -1 to 1 @param {number} side @returns {Fields}
 */
function fieldsOf(outputs, crop, side) {
    const mean = (/** @type {string} */ name, /** @type {number} */ flipped) => {
        const { data, dims: [count, channels, high, wide] } = outputs[name], size = channels * high * wide, out = data.slice(0, size);
        if (count === 2) {
            for (let i = 0; i < size; i++) {
                const x = i % wide, mirrored = size + i - x + (wide - 1 - x), sign = Math.floor(i / (high * wide)) === flipped ? -1 : 1;
                out[i] = 0.5 * (data[i] + sign * data[mirrored]);
            }
        }
        return out;
    };
    const planes = [0, 1, 2].map((c) => crop.subarray(c * side * side, (c + 1) * side * side));
    const [soft, softer] = SIGMAS.map((sigma) => planes.map((plane) => blurred(plane, side, side, sigma * side)));
    return { side, grid: outputs.flow.dims[3], small: outputs.residual.dims[3], flow: mean("flow", 0), colours: mean("colours", -1), gains: mean("gains", -1), residual: mean("residual", -1), soft, softer };
}

/** Less tremble in a camera's picture. @param {Fields | undefined} before @param {Fields} now @returns {Fields} */
function steadied(before, now) {
    if (!before) return now;
    const mix = (/** @type {Plane} */ old, /** @type {Plane} */ fresh) => fresh.map((value, i) => old[i] + 0.4 * (value - old[i]));
    return { ...now, flow: mix(before.flow, now.flow), colours: mix(before.colours, now.colours), gains: mix(before.gains, now.gains), residual: mix(before.residual, now.residual) };
}

/**
 * Reads the fields of the edits among steps for some faces. In a camera's picture they are read anew and smoothed.
 * @param {import("./faces.js").FaceReader} reader @param {import("./pixels.js").Pyramid} pyramid @param {Face[]} faces @param {{effect: string, options?: Record<string, any>}[]} steps @param {boolean} [live]
 */
export async function planEdits(reader, pyramid, faces, steps, live = false) {
    const facts = reader.facts;
    if (!facts || !reader.networks.editor) return;
    for (const { effect, options = {} } of steps) {
        const name = effect.startsWith(EDIT) ? effect.slice(EDIT.length) : "", index = facts.attributes.indexOf(name), key = editKey(effect, options);
        if (index < 0) continue;
        for (const face of faces) {
            if (face.edits.has(key) && !live) continue;
            const side = facts.side, count = live ? 1 : 2, size = 3 * side * side, crop = pyramid.crop(alignmentOf(face.points, side), side, side, 1 / 127.5, -1), images = new Float32Array(count * size);
            images.set(crop);
            if (!live) for (let i = 0; i < size; i++) images[size + i] = crop[i - i % side + (side - 1 - i % side)];
            const labels = new Float32Array(count * facts.attributes.length);
            for (let k = 0; k < count; k++) labels[k * facts.attributes.length + index] = options.value === false ? -1 : 1;
            const outputs = await reader.networks.editor.run({ image: new reader.ort.Tensor("float32", images, [count, 3, side, side]), labels: new reader.ort.Tensor("float32", labels, [count, facts.attributes.length]) }, ["flow", "colours", "gains", "residual"]);
            face.edits.set(key, steadied(live ? face.edits.get(key) : undefined, fieldsOf(outputs, crop, side)));
        }
    }
}

/** Puts fields on a face, in place. @param {Picture} picture @param {Face} face @param {number} strength @param {Fields} fields */
export function applyFields(picture, face, strength, fields) {
    const window = windowOf(face, picture), view = viewOf(picture, window, face.unit, 64), { w, h } = view, to = toView(view);
    if (w < 4 || h < 4) return;
    const { side, grid, small } = fields, toCrop = compose(scaling(side / 512), face.alignment), back = compose(toCrop, inverse(to));
    const head = face.shares ? shareOver(face, view, to, HEAD).map((value) => smoothstep(value, 0.25, 0.75)) : new Float32Array(w * h).fill(1);
    const allowed = blurred(head, w, h, Math.max(0.6, 0.012 * face.unit * view.scale)), edge = 0.06 * side;
    for (let v = 0, i = 0; v < h; v++) {
        for (let u = 0; u < w; u++, i++) {
            const x = back[0] * u + back[1] * v + back[2], y = back[3] * u + back[4] * v + back[5];
            allowed[i] *= smoothstep(Math.min(x, y, side - 1 - x, side - 1 - y), 0, edge);
        }
    }
    // the flow: shares of the crop become pixels of the picture, turned as the face is; a jaw that moves takes what is beside it along
    const near = blurred(allowed, w, h, Math.max(0.6, 0.06 * 512 / 124 * face.unit * view.scale)), fx = new Float32Array(w * h), fy = new Float32Array(w * h), turn = inverse(toCrop), cells = grid * grid;
    for (let v = 0, i = 0; v < h; v++) {
        for (let u = 0; u < w; u++, i++) {
            const x = back[0] * u + back[1] * v + back[2], y = back[3] * u + back[4] * v + back[5], held = strength * Math.min(1, 1.6 * near[i]) * smoothstep(Math.min(x, y, side - 1 - x, side - 1 - y), 0, edge);
            if (!held) continue;
            const [gx, gy] = [(x + 0.5) * grid / side - 0.5, (y + 0.5) * grid / side - 0.5];
            const dx = held * side * at(fields.flow, 0, grid, gx, gy), dy = held * side * at(fields.flow, cells, grid, gx, gy);
            fx[i] = turn[0] * dx + turn[1] * dy;
            fy[i] = turn[3] * dx + turn[4] * dy;
        }
    }
    if (fieldsGl(picture, view.window, toCrop, strength, fields, w, h, allowed, [fx, fy])) return;
    recolour(picture, view.window, toCrop, strength, fields, resized(allowed, w, h, view.window.width, view.window.height));
    warpInPlace(picture, view, fx, fy);
}

/** A plane, from an offset on, bilinearly at a place, its border repeated. @param {Plane} plane @param {number} from @param {number} size @param {number} x @param {number} y */
function at(plane, from, size, x, y) {
    const px = clamp(x, 0, size - 1), py = clamp(y, 0, size - 1), x0 = Math.min(px | 0, size - 2), y0 = Math.min(py | 0, size - 2), p = px - x0, q = py - y0, i = from + y0 * size + x0;
    const upper = plane[i] + p * (plane[i + 1] - plane[i]), lower = plane[i + size] + p * (plane[i + size + 1] - plane[i + size]);
    return upper + q * (lower - upper);
}

/** @param {Picture} picture @param {import("./pixels.js").Window} window @param {import("./pixels.js").Matrix} toCrop @param {number} strength @param {Fields} fields @param {Plane} allowed */
function recolour(picture, window, toCrop, strength, fields, allowed) {
    const { side, grid, small, colours, gains, residual, soft, softer } = fields, cells = grid * grid, data = picture.data, by = grid / side, half = small / side;
    const values = new Float32Array(14);
    for (let v = 0, i = 0; v < window.height; v++) {
        for (let u = 0; u < window.width; u++, i++) {
            const share = strength * allowed[i];
            if (share <= 0.002) continue;
            const px = window.x + u, py = window.y + v, x = toCrop[0] * px + toCrop[1] * py + toCrop[2], y = toCrop[3] * px + toCrop[4] * py + toCrop[5];
            const gx = clamp((x + 0.5) * by - 0.5, 0, grid - 1), gy = clamp((y + 0.5) * by - 0.5, 0, grid - 1), x0 = Math.min(gx | 0, grid - 2), y0 = Math.min(gy | 0, grid - 2), p = gx - x0, q = gy - y0, cell = y0 * grid + x0;
            for (let k = 0; k < 14; k++) {
                const plane = k < 12 ? colours : gains, from = cell + (k < 12 ? k : k - 12) * cells;
                const upper = plane[from] + p * (plane[from + 1] - plane[from]), lower = plane[from + grid] + p * (plane[from + grid + 1] - plane[from + grid]);
                values[k] = upper + q * (lower - upper);
            }
            const to = 4 * (py * picture.width + px), r = data[to] / 127.5 - 1, g = data[to + 1] / 127.5 - 1, b = data[to + 2] / 127.5 - 1;
            const rx = (x + 0.5) * half - 0.5, ry = (y + 0.5) * half - 0.5;
            for (let c = 0; c < 3; c++) {
                const own = c === 0 ? r : c === 1 ? g : b, fine = at(soft[c], 0, side, x, y), middle = at(softer[c], 0, side, x, y);
                const change = values[3 * c] * r + values[3 * c + 1] * g + values[3 * c + 2] * b + values[9 + c] + values[12] * (own - fine) + values[13] * (fine - middle) + at(residual, c * small * small, small, rx, ry);
                data[to + c] += 127.5 * share * change;
            }
        }
    }
}
