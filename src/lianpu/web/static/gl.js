// @ts-check
/**
 * Pixels on the graphics card: WebGL2 enlarges small planes over a window of a picture, and recolours or warps it by them. Each function says
 * whether it did so; where there is no WebGL2, or once it is lost, `pixels.js` and `fields.js` do the same on plain arrays.
 */

/** @typedef {import("./pixels.js").Picture} Picture */
/** @typedef {import("./pixels.js").Plane} Plane */
/** @typedef {import("./pixels.js").Window} Window */
/** @typedef {import("./pixels.js").Matrix} Matrix */
/** @typedef {{w: number, h: number, layers: Plane[][]}} Stack planes of w x h, up to four to a layer */
/** @typedef {{program: string, stacks: Record<string, Stack>, numbers?: Record<string, number[]>}} Pass */

const HEAD = `#version 300 es
precision highp float; precision highp sampler2D; precision highp sampler2DArray;
uniform sampler2D picture; uniform vec2 size; out vec4 color;`;

/** Fragment shaders. All planes span the window or the crop, so that one place, 0 to 1, is the same pixel in all of them. */
const SHADERS = /** @type {Record<string, string>} */ ({
    recolour: `uniform sampler2DArray allowed, fields, blurs, residual; uniform vec3 toX, toY; uniform float strength;
        void main() {
            vec4 old = texelFetch(picture, ivec2(gl_FragCoord.xy), 0);
            vec3 here = vec3(gl_FragCoord.xy - 0.5, 1), own = 2.0 * old.rgb - 1.0;
            vec2 place = vec2(dot(toX, here), dot(toY, here));
            float share = strength * texture(allowed, vec3(gl_FragCoord.xy / size, 0)).r;
            vec4 a = texture(fields, vec3(place, 0)), b = texture(fields, vec3(place, 1)), c = texture(fields, vec3(place, 2)), gains = texture(fields, vec3(place, 3));
            vec3 fine = texture(blurs, vec3(place, 0)).rgb, middle = texture(blurs, vec3(place, 1)).rgb;
            vec3 change = vec3(dot(a.rgb, own), dot(vec3(a.a, b.rg), own), dot(vec3(b.ba, c.r), own)) + c.gba + gains.r * (own - fine) + gains.g * (fine - middle) + texture(residual, vec3(place, 0)).rgb;
            color = share > 0.002 ? vec4(old.rgb + 0.5 * share * change, old.a) : old;
        }`,
    warp: `uniform sampler2DArray flow;
        void main() {
            ivec2 here = ivec2(gl_FragCoord.xy), last = ivec2(size) - 1;
            vec2 by = texture(flow, vec3(gl_FragCoord.xy / size, 0)).rg, at = clamp(gl_FragCoord.xy - 0.5 + by, vec2(0), vec2(last)), part = fract(at);
            ivec2 low = ivec2(at), high = min(low + 1, last);
            vec4 upper = mix(texelFetch(picture, low, 0), texelFetch(picture, ivec2(high.x, low.y), 0), part.x), lower = mix(texelFetch(picture, ivec2(low.x, high.y), 0), texelFetch(picture, high, 0), part.x), old = texelFetch(picture, here, 0);
            color = all(lessThan(abs(by), vec2(0.02))) ? old : vec4(mix(upper, lower, part.y).rgb, old.a);
        }`,
});

/** @type {WebGL2RenderingContext | null} */
let gl = null;
/** @type {Record<string, WebGLProgram>} */
let programs = {};

/**
 * Opens WebGL2, or closes it; whether it is used now.
 * @param {"auto" | "on" | "off"} wanted auto: not where a processor would draw in place of a graphics card
 */
export function useGl(wanted) {
    stop();
    if (wanted === "off" || typeof OffscreenCanvas !== "function") return false;
    const canvas = new OffscreenCanvas(1, 1);
    gl = canvas.getContext("webgl2", { failIfMajorPerformanceCaveat: wanted === "auto", antialias: false, depth: false });
    const card = gl?.getExtension("WEBGL_debug_renderer_info"), name = gl && card ? String(gl.getParameter(card.UNMASKED_RENDERER_WEBGL)) : "";
    if (!gl || (wanted === "auto" && /swiftshader|llvmpipe|software|basic render/i.test(name))) { stop(); return false; } // slower than plain arrays
    canvas.addEventListener("webglcontextlost", stop);
    const corner = shader(gl, gl.VERTEX_SHADER, "#version 300 es\nvoid main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0, 1); }");
    for (const [name, text] of Object.entries(SHADERS)) {
        const program = gl.createProgram();
        gl.attachShader(program, corner);
        gl.attachShader(program, shader(gl, gl.FRAGMENT_SHADER, HEAD + text));
        gl.linkProgram(program);
        if (!gl.getProgramParameter(program, gl.LINK_STATUS)) { stop(); return false; }
        programs[name] = program;
    }
    return true;
}

function stop() {
    gl = null;
    programs = {};
}

/** @param {WebGL2RenderingContext} gl @param {number} kind @param {string} text */
function shader(gl, kind, text) {
    const made = /** @type {WebGLShader} */ (gl.createShader(kind));
    gl.shaderSource(made, text);
    gl.compileShader(made);
    return made;
}

/** A texture that is filtered linearly, its border repeated. @param {WebGL2RenderingContext} gl @param {number} kind */
function texture(gl, kind) {
    const made = gl.createTexture();
    gl.bindTexture(kind, made);
    for (const [name, value] of [[gl.TEXTURE_MIN_FILTER, gl.LINEAR], [gl.TEXTURE_MAG_FILTER, gl.LINEAR], [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE]]) gl.texParameteri(kind, name, value);
    return made;
}

/** @param {WebGL2RenderingContext} gl @param {Stack} stack */
function uploaded(gl, { w, h, layers }) {
    const made = texture(gl, gl.TEXTURE_2D_ARRAY), values = new Float32Array(4 * w * h * layers.length);
    layers.forEach((planes, layer) => planes.forEach((plane, c) => { for (let i = 0, to = 4 * w * h * layer + c; i < w * h; i++, to += 4) values[to] = plane[i]; }));
    gl.texImage3D(gl.TEXTURE_2D_ARRAY, 0, gl.RGBA16F, w, h, layers.length, 0, gl.RGBA, gl.FLOAT, values); // 32 bits are not filtered everywhere
    return made;
}

/** Draws passes over a window of a picture, in place; false where that cannot be done, and then nothing was changed. @param {Picture} picture @param {Window} window @param {Pass[]} passes */
function drawn(picture, { x, y, width, height }, passes) {
    if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return false;
    const here = gl, made = [0, 1].map(() => texture(here, here.TEXTURE_2D)), frame = gl.createFramebuffer();
    for (const one of made) { gl.bindTexture(gl.TEXTURE_2D, one); gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, width, height); }
    /** @param {number} row @param {number} left @param {number} top */
    const part = (row, left, top) => {
        for (const [name, value] of [[here.UNPACK_ROW_LENGTH, row], [here.UNPACK_SKIP_PIXELS, left], [here.UNPACK_SKIP_ROWS, top], [here.PACK_ROW_LENGTH, row], [here.PACK_SKIP_PIXELS, left], [here.PACK_SKIP_ROWS, top]]) here.pixelStorei(name, value);
    };
    part(picture.width, x, y);
    gl.bindTexture(gl.TEXTURE_2D, made[0]);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(picture.data.buffer, picture.data.byteOffset, picture.data.length));
    part(0, 0, 0);
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.viewport(0, 0, width, height);
    for (const [turn, { program: name, stacks, numbers = {} }] of passes.entries()) {
        const program = programs[name];
        gl.useProgram(program);
        gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, made[1 - turn % 2], 0);
        for (const [i, [key, stack]] of Object.entries(stacks).entries()) {
            gl.activeTexture(gl.TEXTURE1 + i);
            made.push(uploaded(gl, stack));
            gl.uniform1i(gl.getUniformLocation(program, key), 1 + i);
        }
        gl.activeTexture(gl.TEXTURE0);
        gl.bindTexture(gl.TEXTURE_2D, made[turn % 2]);
        gl.uniform1i(gl.getUniformLocation(program, "picture"), 0);
        for (const [key, value] of Object.entries({ ...numbers, size: [width, height] })) {
            const place = gl.getUniformLocation(program, key);
            if (value.length === 1) gl.uniform1fv(place, value); else if (value.length === 2) gl.uniform2fv(place, value); else gl.uniform3fv(place, value);
        }
        gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
    const sound = gl.getError() === gl.NO_ERROR && !gl.isContextLost();
    if (sound) {
        part(picture.width, x, y);
        gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(picture.data.buffer, picture.data.byteOffset, picture.data.length));
        part(0, 0, 0);
    }
    const read = sound && gl.getError() === gl.NO_ERROR && !gl.isContextLost();
    for (const one of made) gl.deleteTexture(one);
    gl.deleteFramebuffer(frame);
    if (!read) stop();
    return read;
}

/** Each pixel takes the colour that lies a displacement away. @param {Picture} picture @param {Window} window @param {number} w @param {number} h @param {Plane[]} flow x and y, in pixels of the picture */
export const warpGl = (picture, window, w, h, flow) => drawn(picture, window, [{ program: "warp", stacks: { flow: { w, h, layers: [flow] } } }]);

/**
 * Recolours by an editor's fields, then warps.
 * @param {Picture} picture @param {Window} window @param {Matrix} toCrop from the picture to the crop @param {number} strength @param {import("./fields.js").Fields} fields
 * @param {number} w @param {number} h @param {Plane} allowed of w x h, 0 to 1 @param {Plane[]} flow
 */
export function fieldsGl(picture, window, toCrop, strength, { side, grid, small, colours, gains, residual, soft, softer }, w, h, allowed, flow) {
    const split = (/** @type {Plane} */ planes, /** @type {number} */ size) => Array.from({ length: planes.length / size }, (_, i) => planes.subarray(i * size, (i + 1) * size));
    const [a, b, c, d, e, f] = toCrop, cells = split(colours, grid * grid), row = (/** @type {number} */ p, /** @type {number} */ q, /** @type {number} */ r) => [p / side, q / side, (p * window.x + q * window.y + r + 0.5) / side];
    const recolour = {
        allowed: { w, h, layers: [[allowed]] }, fields: { w: grid, h: grid, layers: [cells.slice(0, 4), cells.slice(4, 8), cells.slice(8), split(gains, grid * grid)] },
        blurs: { w: side, h: side, layers: [soft, softer] }, residual: { w: small, h: small, layers: [split(residual, small * small)] },
    };
    return drawn(picture, window, [{ program: "recolour", stacks: recolour, numbers: { toX: row(a, b, c), toY: row(d, e, f), strength: [strength] } }, { program: "warp", stacks: { flow: { w, h, layers: [flow] } } }]);
}
