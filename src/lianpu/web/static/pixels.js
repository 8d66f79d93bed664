// @ts-check
/**
 * Pictures, planes of numbers, matrices, blurs and colours.
 *
 * Pixel centres have whole coordinates: (0, 0) is the first one. A matrix [a, b, c, d, e, f] takes (x, y) to (a x + b y + c, d x + e y + f).
 */

import { warpGl } from "./gl.js";

/** @typedef {{width: number, height: number, data: Uint8ClampedArray}} Picture RGBA, 8 bits; an ImageData is one. */
/** @typedef {Float32Array} Plane one number a pixel, row by row */
/** @typedef {[number, number, number, number, number, number]} Matrix */
/** @typedef {{x: number, y: number, width: number, height: number}} Window a part of a picture */
/**
 * A window of a picture in a smaller copy.
 * @typedef {{window: Window, w: number, h: number, scale: number, planes: [Plane, Plane, Plane]}} View
 *     w, h: size of the copy; scale: its pixels per pixel of the picture; planes: red, green, blue from 0 to 1
 */

/** @param {Matrix} second @param {Matrix} first @returns {Matrix} */
export function compose(second, first) {
    const [a, b, x, c, d, y] = second, [e, f, u, g, h, v] = first;
    return [a * e + b * g, a * f + b * h, a * u + b * v + x, c * e + d * g, c * f + d * h, c * u + d * v + y];
}

/** @param {Matrix} matrix @returns {Matrix} */
export function inverse([a, b, x, c, d, y]) {
    const by = 1 / (a * d - b * c);
    return [d * by, -b * by, (b * y - d * x) * by, -c * by, a * by, (c * x - a * y) * by];
}

/** The matrix that scales a picture, whose edge lies half a pixel before its first centre. @param {number} across @param {number} [down] @returns {Matrix} */
export function scaling(across, down = across) {
    return [across, 0, across / 2 - 0.5, 0, down, down / 2 - 0.5];
}

/** @param {Matrix} matrix */
export function scaleOf([a, b, , c, d]) {
    return Math.sqrt(Math.abs(a * d - b * c));
}

/** Points x, y, x, y ... mapped by a matrix. @param {Matrix} m @param {ArrayLike<number>} points @param {number} [step] numbers per point */
export function mapPoints(m, points, step = 2) {
    const count = points.length / step, result = new Float32Array(2 * count);
    for (let i = 0; i < count; i++) {
        const x = points[step * i], y = points[step * i + 1];
        result[2 * i] = m[0] * x + m[1] * y + m[2];
        result[2 * i + 1] = m[3] * x + m[4] * y + m[5];
    }
    return result;
}

/** The least-squares similarity from points to points, x, y, x, y ... (Umeyama 1991). @param {ArrayLike<number>} from @param {ArrayLike<number>} to @returns {Matrix} */
export function similarity(from, to) {
    const n = from.length / 2;
    let fx = 0, fy = 0, tx = 0, ty = 0;
    for (let i = 0; i < n; i++) { fx += from[2 * i]; fy += from[2 * i + 1]; tx += to[2 * i]; ty += to[2 * i + 1]; }
    fx /= n; fy /= n; tx /= n; ty /= n;
    let along = 0, across = 0, spread = 1e-12;
    for (let i = 0; i < n; i++) {
        const x = from[2 * i] - fx, y = from[2 * i + 1] - fy, u = to[2 * i] - tx, v = to[2 * i + 1] - ty;
        spread += x * x + y * y; along += x * u + y * v; across += x * v - y * u;
    }
    along /= spread; across /= spread;
    return [along, -across, tx - along * fx + across * fy, across, along, ty - across * fx - along * fy];
}

/** 0 up to `low`, 1 from `high` on, smooth between. @param {number} value @param {number} low @param {number} high */
export function smoothstep(value, low, high) {
    const share = Math.min(1, Math.max(0, (value - low) / (high - low)));
    return share * share * (3 - 2 * share);
}

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** A value between points, linearly; the ends go on. @param {number} x @param {number[]} xs rising @param {number[]} ys */
export function interp(x, xs, ys) {
    if (x <= xs[0]) return ys[0];
    const i = xs.findIndex((one) => one >= x);
    return i < 0 ? ys[ys.length - 1] : ys[i - 1] + (x - xs[i - 1]) / (xs[i] - xs[i - 1]) * (ys[i] - ys[i - 1]);
}

/** A picture halved in both directions, by means of four pixels. @param {Picture} picture @returns {Picture} */
export function halved(picture) {
    const width = Math.max(1, picture.width >> 1), height = Math.max(1, picture.height >> 1), from = picture.data;
    const data = new Uint8ClampedArray(4 * width * height), row = 4 * picture.width;
    const right = picture.width > 1 ? 4 : 0, below = picture.height > 1 ? row : 0;
    for (let y = 0, at = 0; y < height; y++) {
        for (let x = 0, i = 2 * y * row; x < width; x++, i += 8, at += 4) {
            for (let c = 0; c < 4; c++) data[at + c] = (from[i + c] + from[i + right + c] + from[i + below + c] + from[i + below + right + c] + 2) >> 2;
        }
    }
    return { width, height, data };
}

/** A picture with its halved copies, made when they are needed. */
export class Pyramid {
    /** @param {Picture} picture */
    constructor(picture) {
        /** @type {Picture[]} */
        this.levels = [picture];
    }

    /** @param {number} level @returns {Picture} */
    at(level) {
        while (this.levels.length <= level) this.levels.push(halved(this.levels[this.levels.length - 1]));
        return this.levels[level];
    }

    /**
     * The picture as a matrix shows it, bilinear after halvings where it shrinks, with a replicated border: red, green, blue planes.
     * @param {Matrix} matrix from the picture to the crop @param {number} width @param {number} height
     * @param {number} gain @param {number} offset each value becomes gain * (0 to 255) + offset
     */
    crop(matrix, width, height, gain, offset) {
        let level = 0, to = matrix;
        while (scaleOf(to) < 0.5 && Math.min(this.at(level).width, this.at(level).height) > 2) {
            level++;
            to = compose(to, scaling(2));
        }
        return sampled(this.at(level), inverse(to), width, height, gain, offset);
    }
}

/** @param {Picture} picture @param {Matrix} back from the crop to the picture @param {number} width @param {number} height @param {number} gain @param {number} offset */
function sampled(picture, back, width, height, gain, offset) {
    const size = width * height, out = new Float32Array(3 * size), data = picture.data;
    const lastX = picture.width - 1, lastY = picture.height - 1, row = 4 * picture.width;
    for (let v = 0, at = 0; v < height; v++) {
        for (let u = 0; u < width; u++, at++) {
            const x = clamp(back[0] * u + back[1] * v + back[2], 0, lastX), y = clamp(back[3] * u + back[4] * v + back[5], 0, lastY);
            const x0 = Math.min(x | 0, Math.max(0, lastX - 1)), y0 = Math.min(y | 0, Math.max(0, lastY - 1)), p = x - x0, q = y - y0;
            const i = y0 * row + 4 * x0, right = lastX ? 4 : 0, below = lastY ? row : 0;
            const a = (1 - p) * (1 - q), b = p * (1 - q), c = (1 - p) * q, d = p * q;
            out[at] = gain * (a * data[i] + b * data[i + right] + c * data[i + below] + d * data[i + below + right]) + offset;
            out[size + at] = gain * (a * data[i + 1] + b * data[i + right + 1] + c * data[i + below + 1] + d * data[i + below + right + 1]) + offset;
            out[2 * size + at] = gain * (a * data[i + 2] + b * data[i + right + 2] + c * data[i + below + 2] + d * data[i + below + right + 2]) + offset;
        }
    }
    return out;
}

/**
 * A plane as a matrix shows it, bilinear; 0 outside, fading within its last pixel.
 * @param {ArrayLike<number>} plane @param {number} w @param {number} h @param {Matrix} back from the result to the plane
 * @param {number} width @param {number} height @param {number} gain @param {Plane} [into] is added to
 */
export function warpPlane(plane, w, h, back, width, height, gain = 1, into = new Float32Array(width * height)) {
    for (let v = 0, at = 0; v < height; v++) {
        let x = back[1] * v + back[2], y = back[4] * v + back[5];
        for (let u = 0; u < width; u++, at++, x += back[0], y += back[3]) {
            if (x <= -1 || y <= -1 || x >= w || y >= h) continue;
            const x0 = Math.floor(x), y0 = Math.floor(y), p = x - x0, q = y - y0, i = y0 * w + x0;
            const left = x0 >= 0, right = x0 + 1 < w, top = y0 >= 0, bottom = y0 + 1 < h;
            let sum = 0;
            if (top && left) sum += (1 - p) * (1 - q) * plane[i];
            if (top && right) sum += p * (1 - q) * plane[i + 1];
            if (bottom && left) sum += (1 - p) * q * plane[i + w];
            if (bottom && right) sum += p * q * plane[i + w + 1];
            into[at] += gain * sum;
        }
    }
    return into;
}

/** A plane, bilinearly, at another size. @param {ArrayLike<number>} plane @param {number} w @param {number} h @param {number} width @param {number} height */
export function resized(plane, w, h, width, height) {
    const out = new Float32Array(width * height), columns = new Int32Array(width), shares = new Float32Array(width);
    for (let x = 0; x < width; x++) {
        const at = clamp((x + 0.5) * w / width - 0.5, 0, w - 1);
        columns[x] = Math.min(at | 0, Math.max(0, w - 2));
        shares[x] = at - columns[x];
    }
    const right = w > 1 ? 1 : 0;
    for (let y = 0, to = 0; y < height; y++) {
        const at = clamp((y + 0.5) * h / height - 0.5, 0, h - 1), y0 = Math.min(at | 0, Math.max(0, h - 2)), q = at - y0;
        const upper = y0 * w, lower = upper + (h > 1 ? w : 0);
        for (let x = 0; x < width; x++, to++) {
            const i = columns[x], p = shares[x];
            const a = plane[upper + i], b = plane[upper + i + right], c = plane[lower + i], d = plane[lower + i + right];
            const above = a + p * (b - a), below = c + p * (d - c);
            out[to] = above + q * (below - above);
        }
    }
    return out;
}

/**
 * A window of a picture as a view in which a unit of a face has at most `mostPx` pixels; it is halved until it is small enough.
 * @param {Picture} picture @param {Window} window @param {number} unit @param {number} mostPx @returns {View}
 */
export function viewOf(picture, window, unit, mostPx) {
    let times = Math.max(0, Math.ceil(Math.log2(Math.max(unit, 1e-3) / mostPx)));
    while (times && Math.min(picture.width, picture.height) < 2 ** (times + 2)) times--;
    const step = 2 ** times;
    const [x, width] = wholeSteps(window.x, window.width, picture.width, step), [y, height] = wholeSteps(window.y, window.height, picture.height, step);
    const w = width / step, h = height / step, size = w * h, by = 1 / (255 * step * step), data = picture.data;
    const [red, green, blue] = [new Float32Array(size), new Float32Array(size), new Float32Array(size)];
    for (let v = 0; v < height; v++) {
        let i = 4 * ((y + v) * picture.width + x), at = (v >> times) * w;
        for (let u = 0; u < w; u++, at++) {
            let r = 0, g = 0, b = 0;
            for (let k = 0; k < step; k++, i += 4) { r += data[i]; g += data[i + 1]; b += data[i + 2]; }
            red[at] += r; green[at] += g; blue[at] += b;
        }
    }
    for (let i = 0; i < size; i++) { red[i] *= by; green[i] *= by; blue[i] *= by; }
    return { window: { x, y, width, height }, w, h, scale: 1 / step, planes: [red, green, blue] };
}

/** @param {number} start @param {number} span @param {number} length @param {number} step @returns {[number, number]} */
function wholeSteps(start, span, length, step) {
    const wide = Math.min(Math.ceil(span / step), Math.floor(length / step)) * step;
    return [Math.min(start, length - wide), wide];
}

/** The matrix from pixels of the picture to those of a view. @param {View} view @returns {Matrix} */
export function toView(view) {
    return compose(scaling(view.scale), [1, 0, -view.window.x, 0, 1, -view.window.y]);
}

/**
 * The part of a picture around points x, y, x, y ...; null where they lie outside.
 * @param {Picture} picture @param {ArrayLike<number>} points @param {number} margin @returns {Window | null}
 */
export function windowAround(picture, points, margin) {
    let left = Infinity, top = Infinity, right = -Infinity, bottom = -Infinity;
    for (let i = 0; i < points.length; i += 2) {
        left = Math.min(left, points[i]); right = Math.max(right, points[i]);
        top = Math.min(top, points[i + 1]); bottom = Math.max(bottom, points[i + 1]);
    }
    left = clamp(Math.floor(left - margin), 0, picture.width); right = clamp(Math.ceil(right + margin) + 1, 0, picture.width);
    top = clamp(Math.floor(top - margin), 0, picture.height); bottom = clamp(Math.ceil(bottom + margin) + 1, 0, picture.height);
    return left >= right || top >= bottom ? null : { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * Adds a change of a view (planes; 1 is white), enlarged, to the picture, in place.
 * @param {Picture} picture @param {View} view @param {Plane[]} change
 */
export function addChange(picture, view, change) {
    const { x, y, width, height } = view.window, data = picture.data;
    const whole = view.scale === 1 ? change : change.map((plane) => resized(plane, view.w, view.h, width, height));
    for (let v = 0, at = 0; v < height; v++) {
        for (let u = 0, i = 4 * ((y + v) * picture.width + x); u < width; u++, at++, i += 4) {
            data[i] += 255 * whole[0][at]; data[i + 1] += 255 * whole[1][at]; data[i + 2] += 255 * whole[2][at];
        }
    }
}

/** Warps the window of a view, in place: each pixel takes the colour that lies a displacement away. @param {Picture} picture @param {View} view @param {Plane} fx @param {Plane} fy in pixels of the picture */
export function warpInPlace(picture, view, fx, fy) {
    if (warpGl(picture, view.window, view.w, view.h, [fx, fy])) return;
    const { x, y, width, height } = view.window, old = picture.data.slice(), row = 4 * picture.width, data = picture.data;
    const [dx, dy] = [fx, fy].map((plane) => resized(plane, view.w, view.h, width, height));
    for (let v = 0, at = 0; v < height; v++) {
        for (let u = 0; u < width; u++, at++) {
            if (Math.abs(dx[at]) < 0.02 && Math.abs(dy[at]) < 0.02) continue;
            const px = clamp(x + u + dx[at], 0, picture.width - 1), py = clamp(y + v + dy[at], 0, picture.height - 1);
            const x0 = Math.min(px | 0, picture.width - 2), y0 = Math.min(py | 0, picture.height - 2), p = px - x0, q = py - y0;
            const from = y0 * row + 4 * x0, to = 4 * ((y + v) * picture.width + x + u);
            for (let c = 0; c < 3; c++) {
                const upper = old[from + c] + p * (old[from + 4 + c] - old[from + c]), lower = old[from + row + c] + p * (old[from + row + 4 + c] - old[from + row + c]);
                data[to + c] = upper + q * (lower - upper);
            }
        }
    }
}

/** A Gaussian blur with a replicated border; wide ones are computed in a smaller copy. @param {Plane} plane @param {number} w @param {number} h @param {number} sigma @returns {Plane} */
export function blurred(plane, w, h, sigma) {
    if (sigma > 6) {
        const by = Math.max(1, sigma / 6), small = [Math.max(1, Math.round(w / by)), Math.max(1, Math.round(h / by))];
        const soft = blurred(averaged(plane, w, h, small[0], small[1]), small[0], small[1], Math.min(6, sigma * small[0] / w));
        return resized(soft, small[0], small[1], w, h);
    }
    const reach = Math.max(1, Math.ceil(2.5 * sigma)), kernel = new Float32Array(reach + 1);
    let total = 0;
    for (let k = 0; k <= reach; k++) total += (kernel[k] = Math.exp(-k * k / (2 * sigma * sigma))) * (k ? 2 : 1);
    for (let k = 0; k <= reach; k++) kernel[k] /= total;
    const across = new Float32Array(w * h), out = new Float32Array(w * h);
    for (let y = 0; y < h; y++) {
        const row = y * w;
        for (let x = 0; x < w; x++) {
            let sum = kernel[0] * plane[row + x];
            for (let k = 1; k <= reach; k++) sum += kernel[k] * (plane[row + Math.max(0, x - k)] + plane[row + Math.min(w - 1, x + k)]);
            across[row + x] = sum;
        }
    }
    for (let y = 0; y < h; y++) {
        const row = y * w;
        for (let x = 0; x < w; x++) out[row + x] = kernel[0] * across[row + x];
        for (let k = 1; k <= reach; k++) {
            const above = Math.max(0, y - k) * w, below = Math.min(h - 1, y + k) * w, share = kernel[k];
            for (let x = 0; x < w; x++) out[row + x] += share * (across[above + x] + across[below + x]);
        }
    }
    return out;
}

/** A plane at a smaller size, each pixel the mean of what it covers. @param {ArrayLike<number>} plane @param {number} w @param {number} h @param {number} width @param {number} height */
export function averaged(plane, w, h, width, height) {
    const out = new Float32Array(width * height), counts = new Float32Array(width * height);
    for (let y = 0; y < h; y++) {
        const row = Math.min(height - 1, Math.floor((y + 0.5) * height / h)) * width;
        for (let x = 0; x < w; x++) {
            const at = row + Math.min(width - 1, Math.floor((x + 0.5) * width / w));
            out[at] += plane[y * w + x]; counts[at]++;
        }
    }
    for (let i = 0; i < out.length; i++) out[i] /= counts[i] || 1;
    return out;
}

/** Means over (2 radius + 1)² pixels; the border is mirrored. @param {Plane} plane @param {number} w @param {number} h @param {number} radius @returns {Plane} */
export function boxMean(plane, w, h, radius) {
    const across = new Float32Array(w * h), out = new Float32Array(w * h), by = 1 / (2 * radius + 1);
    const mirrored = (/** @type {number} */ i, /** @type {number} */ n) => {
        while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
        return i;
    };
    for (let y = 0; y < h; y++) {
        const row = y * w;
        let sum = 0;
        for (let k = -radius; k <= radius; k++) sum += plane[row + mirrored(k, w)];
        for (let x = 0; x < w; x++) {
            across[row + x] = sum * by;
            sum += plane[row + mirrored(x + radius + 1, w)] - plane[row + mirrored(x - radius, w)];
        }
    }
    const sums = new Float64Array(w);
    for (let k = -radius; k <= radius; k++) for (let x = 0, row = mirrored(k, h) * w; x < w; x++) sums[x] += across[row + x];
    for (let y = 0; y < h; y++) {
        const next = mirrored(y + radius + 1, h) * w, last = mirrored(y - radius, h) * w;
        for (let x = 0; x < w; x++) {
            out[y * w + x] = sums[x] * by;
            sums[x] += across[next + x] - across[last + x];
        }
    }
    return out;
}

/** A plane dilated by a disc, or eroded by one of a negative radius. @param {Plane} plane @param {number} w @param {number} h @param {number} radius @returns {Plane} */
export function dilated(plane, w, h, radius) {
    const reach = Math.round(Math.abs(radius)), sign = radius < 0 ? -1 : 1;
    if (reach < 1) return plane;
    const out = Float32Array.from(plane), halves = [];
    for (let k = -reach; k <= reach; k++) halves.push(Math.round(Math.sqrt(reach * reach - k * k)));
    for (let k = -reach; k <= reach; k++) {
        const half = halves[k + reach], run = new Float32Array(w);
        for (let y = Math.max(0, -k); y < Math.min(h, h - k); y++) {
            const row = (y + k) * w;
            for (let x = 0; x < w; x++) {
                let best = sign * plane[row + x];
                for (let j = Math.max(0, x - half); j <= Math.min(w - 1, x + half); j++) best = Math.max(best, sign * plane[row + j]);
                run[x] = best;
            }
            for (let x = 0, at = y * w; x < w; x++, at++) if (run[x] > sign * out[at]) out[at] = sign * run[x];
        }
    }
    return out;
}

/**
 * Coverage, 0 to 1, of a polygon x, y, x, y ... (even-odd), drawn into a plane by the larger of both; `value` 0 cuts it out.
 * @param {Plane} plane @param {number} w @param {number} h @param {ArrayLike<number>} points @param {number} [value]
 */
export function fillPolygon(plane, w, h, points, value = 1) {
    const n = points.length / 2, lines = 4;
    let top = Infinity, bottom = -Infinity;
    for (let i = 0; i < n; i++) { top = Math.min(top, points[2 * i + 1]); bottom = Math.max(bottom, points[2 * i + 1]); }
    const cover = new Float32Array(w + 2);
    for (let y = Math.max(0, Math.floor(top)); y <= Math.min(h - 1, Math.ceil(bottom)); y++) {
        cover.fill(0);
        for (let line = 0; line < lines; line++) {
            const at = y - 0.5 + (line + 0.5) / lines, crossings = [];
            for (let i = 0, j = n - 1; i < n; j = i++) {
                const y0 = points[2 * j + 1], y1 = points[2 * i + 1];
                if ((y0 <= at) !== (y1 <= at)) crossings.push(points[2 * j] + (at - y0) / (y1 - y0) * (points[2 * i] - points[2 * j]));
            }
            crossings.sort((a, b) => a - b);
            for (let k = 0; k + 1 < crossings.length; k += 2) {
                const from = clamp(crossings[k] + 0.5, 0, w), to = clamp(crossings[k + 1] + 0.5, 0, w), a = from | 0, b = to | 0;
                if (a === b) { cover[a] += to - from; continue; }
                cover[a] += a + 1 - from;
                for (let x = a + 1; x < b; x++) cover[x] += 1;
                cover[b] += to - b;
            }
        }
        for (let x = 0, i = y * w; x < w; x++, i++) {
            const share = cover[x] / lines;
            if (share) plane[i] = value ? Math.max(plane[i], share * value) : plane[i] * (1 - share);
        }
    }
    return plane;
}

/** A line of round width around a polygon, 1 on it. @param {Plane} plane @param {number} w @param {number} h @param {ArrayLike<number>} points @param {number} half half its width */
export function strokePolygon(plane, w, h, points, half) {
    const n = points.length / 2;
    for (let i = 0, j = n - 1; i < n; j = i++) {
        const x0 = points[2 * j], y0 = points[2 * j + 1], dx = points[2 * i] - x0, dy = points[2 * i + 1] - y0, length = dx * dx + dy * dy || 1;
        const left = Math.max(0, Math.floor(Math.min(x0, x0 + dx) - half - 1)), right = Math.min(w - 1, Math.ceil(Math.max(x0, x0 + dx) + half + 1));
        for (let y = Math.max(0, Math.floor(Math.min(y0, y0 + dy) - half - 1)); y <= Math.min(h - 1, Math.ceil(Math.max(y0, y0 + dy) + half + 1)); y++) {
            for (let x = left; x <= right; x++) {
                const t = clamp(((x - x0) * dx + (y - y0) * dy) / length, 0, 1), far = Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
                const at = y * w + x;
                plane[at] = Math.max(plane[at], clamp(half + 0.5 - far, 0, 1));
            }
        }
    }
    return plane;
}

/**
 * The guided filter's slope and offset, on one plane (He, Sun & Tang 2013): they put the edges of a mask where those of the guide are.
 * @param {Plane} mask @param {Plane} guide @param {number} w @param {number} h @param {number} radius @param {number} smoothness
 * @returns {[Plane, Plane]}
 */
export function guidedFilter(mask, guide, w, h, radius, smoothness) {
    const n = w * h, product = new Float32Array(n), square = new Float32Array(n);
    for (let i = 0; i < n; i++) { product[i] = mask[i] * guide[i]; square[i] = guide[i] * guide[i]; }
    const mean = (/** @type {Plane} */ plane) => boxMean(plane, w, h, radius);
    const [m, g, mg, gg] = [mean(mask), mean(guide), mean(product), mean(square)];
    const slope = new Float32Array(n), offset = new Float32Array(n);
    for (let i = 0; i < n; i++) {
        slope[i] = (mg[i] - m[i] * g[i]) / (gg[i] - g[i] * g[i] + smoothness);
        offset[i] = m[i] - slope[i] * g[i];
    }
    return [mean(slope), mean(offset)];
}

const LINEAR = new Float32Array(1025).map((_, i) => (i <= 0.04045 * 1024 ? i / 1024 / 12.92 : ((i / 1024 + 0.055) / 1.055) ** 2.4));
const BYTES = new Float32Array(4097).map((_, i) => (i <= 0.0031308 * 4096 ? 12.92 * i / 4096 : 1.055 * (i / 4096) ** (1 / 2.4) - 0.055));

/** @param {number} value */
const toLinear = (value) => {
    const at = clamp(value, 0, 1) * 1024, i = at | 0;
    return i >= 1024 ? 1 : LINEAR[i] + (at - i) * (LINEAR[i + 1] - LINEAR[i]);
};

/** @param {number} value */
const fromLinear = (value) => {
    if (value <= 0) return 0;
    if (value < 0.02) return value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
    const at = Math.min(1, value) * 4096, i = at | 0;
    return i >= 4096 ? 1 : BYTES[i] + (at - i) * (BYTES[i + 1] - BYTES[i]);
};

/** @param {number} t */
const curve = (t) => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116);
/** @param {number} t */
const uncurve = (t) => (t > 6 / 29 ? t * t * t : (116 * t - 16) * 27 / 24389);

/** CIE Lab (D65) of sRGB from 0 to 1 (IEC 61966-2-1). @param {number} r @param {number} g @param {number} b @returns {[number, number, number]} */
export function labOf(r, g, b) {
    const R = toLinear(r), G = toLinear(g), B = toLinear(b);
    const x = curve((0.412453 * R + 0.35758 * G + 0.180423 * B) / 0.950456), y = curve(0.212671 * R + 0.71516 * G + 0.072169 * B);
    const z = curve((0.019334 * R + 0.119193 * G + 0.950227 * B) / 1.088754);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** sRGB from 0 to 1, clipped, of CIE Lab. @param {number} light @param {number} a @param {number} b @returns {[number, number, number]} */
export function rgbOf(light, a, b) {
    const fy = (light + 16) / 116, x = 0.950456 * uncurve(fy + a / 500), y = uncurve(fy), z = 1.088754 * uncurve(fy - b / 200);
    return [
        fromLinear(3.240479 * x - 1.53715 * y - 0.498535 * z),
        fromLinear(-0.969256 * x + 1.875991 * y + 0.041556 * z),
        fromLinear(0.055648 * x - 0.204043 * y + 1.057311 * z),
    ];
}

/** @param {string} color #rrggbb @returns {[number, number, number]} Lab */
export function labOfColor(color) {
    const value = parseInt(color.slice(1), 16);
    return labOf((value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255);
}

/** The three planes of Lab of a view. @param {[Plane, Plane, Plane]} planes @returns {[Plane, Plane, Plane]} */
export function labPlanes([red, green, blue]) {
    const n = red.length, [light, a, b] = [new Float32Array(n), new Float32Array(n), new Float32Array(n)];
    for (let i = 0; i < n; i++) [light[i], a[i], b[i]] = labOf(red[i], green[i], blue[i]);
    return [light, a, b];
}

/** The value below which a share of numbers lies. @param {ArrayLike<number>} values @param {number} share 0 to 1 */
export function quantile(values, share) {
    const sorted = Float32Array.from(values).sort(), at = share * (sorted.length - 1), i = Math.floor(at);
    return sorted.length ? sorted[i] + (at - i) * ((sorted[i + 1] ?? sorted[i]) - sorted[i]) : NaN;
}
