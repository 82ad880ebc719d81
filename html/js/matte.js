// SPDX-License-Identifier: GPL-3.0-or-later
/* Transparent pictures: a video whose lower part is the matte of the upper one, shown on
 * a canvas in the video's place. What the room says of it (docs/api.md):
 *
 *     width, height    of the picture
 *     matte            'below'
 *     matte_top        the row at which the matte begins
 *     coded_height     of the video
 *
 * The canvas takes the video's class, style and label, and its clicks are the video's. The
 * video goes on playing, a pixel large, for its sound. Without WebGL the upper part is shown
 * as it is, and a line of text says why.
 */

const VERTEX = `
attribute vec2 corner;
varying vec2 at;
void main() {
	at = vec2(corner.x, 1.0 - corner.y);
	gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

/* Colours are multiplied by alpha, as the page's compositor wants them. */
const FRAGMENT = `
#ifdef GL_FRAGMENT_PRECISION_HIGH
precision highp float;
#else
precision mediump float;
#endif
varying vec2 at;
uniform sampler2D picture;
uniform vec2 part; // the picture's height, and where its matte begins, of the whole
void main() {
	float alpha = texture2D(picture, vec2(at.x, part.y + at.y * part.x)).g;
	vec3 colour = texture2D(picture, vec2(at.x, at.y * part.x)).rgb;
	gl_FragColor = vec4(colour * alpha, alpha);
}`;

const WORDS = 'This browser has no WebGL, so the picture’s background is not transparent here.';
const VIDEO_STYLE = 'position: absolute; width: 1px; height: 1px; opacity: 0; pointer-events: none;';

function compile(gl, type, source) {
	const shader = gl.createShader(type);
	gl.shaderSource(shader, source);
	gl.compileShader(shader);
	return shader;
}

/* Where to set the parts; null: it cannot be done, or the context is lost. */
function build(gl) {
	const program = gl.createProgram();
	gl.attachShader(program, compile(gl, gl.VERTEX_SHADER, VERTEX));
	gl.attachShader(program, compile(gl, gl.FRAGMENT_SHADER, FRAGMENT));
	gl.linkProgram(program);
	if (!gl.getProgramParameter(program, gl.LINK_STATUS))
		return null;
	gl.useProgram(program);
	gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
	gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
	const corner = gl.getAttribLocation(program, 'corner');
	gl.enableVertexAttribArray(corner);
	gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
	gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
	for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T])
		gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
	for (const way of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER])
		gl.texParameteri(gl.TEXTURE_2D, way, gl.LINEAR);
	return gl.getUniformLocation(program, 'part');
}

export class Matte {
	canvas = null;
	#video;
	#style;          // the video's own
	#picture = null; // as the room says; null: it has no matte
	#gl = null;
	#part = null;    // null: the context is lost, or was never there
	#words = null;
	#frame = 0;

	constructor(video) {
		this.#video = video;
		this.#style = video.style.cssText;
	}

	/* `picture`: what the room says; null: the video is shown as it is. */
	show(picture) {
		const same = ['width', 'height', 'matte_top', 'coded_height'].every(key =>
			picture?.[key] === this.#picture?.[key]);
		if (same)
			return;
		this.#clear();
		this.#picture = picture;
		if (picture && !this.#open())
			this.#doWithout();
	}

	#clear() {
		const video = this.#video;
		if (video.cancelVideoFrameCallback)
			video.cancelVideoFrameCallback(this.#frame);
		else
			cancelAnimationFrame(this.#frame);
		this.#gl?.getExtension('WEBGL_lose_context')?.loseContext();
		this.canvas?.remove();
		this.#words?.remove();
		this.canvas = this.#gl = this.#part = this.#words = this.#picture = null;
		video.style.cssText = this.#style;
	}

	#open() {
		const video = this.#video;
		const canvas = document.createElement('canvas');
		const gl = canvas.getContext('webgl', { antialias: false, depth: false });
		this.#part = gl && build(gl);
		if (!this.#part)
			return false;
		this.canvas = canvas;
		this.#gl = gl;
		Object.assign(canvas, { width: this.#picture.width, height: this.#picture.height });
		canvas.className = video.className;
		canvas.style.cssText = this.#style;
		canvas.setAttribute('role', 'img');
		canvas.setAttribute('aria-label', video.getAttribute('aria-label') ?? '');
		canvas.title = video.title;
		canvas.addEventListener('click', () => video.click());
		canvas.addEventListener('webglcontextlost', event => {
			if (canvas !== this.canvas)
				return;             // this comes late, when another one may be there already
			event.preventDefault(); // else it never comes back
			this.#part = null;
		});
		canvas.addEventListener('webglcontextrestored', () => {
			if (canvas !== this.canvas)
				return;
			this.#part = build(gl);
			this.#draw();
		});
		video.after(canvas);
		video.style.cssText += VIDEO_STYLE;
		this.#wait();
		return true;
	}

	/* The upper part is what `cover` leaves of the video at the top of a box of the picture's shape. */
	#doWithout() {
		const { width, height } = this.#picture;
		this.#video.style.cssText +=
			`aspect-ratio: ${width} / ${height}; object-fit: cover; object-position: top;`;
		this.#words = document.createElement('p');
		this.#words.setAttribute('role', 'status');
		this.#words.className = 'matte-words';
		this.#words.textContent = WORDS;
		this.#video.after(this.#words);
	}

	/* For the next picture. */
	#wait() {
		const next = () => {
			this.#draw();
			this.#wait();
		};
		this.#frame = this.#video.requestVideoFrameCallback?.(next) ?? requestAnimationFrame(next);
	}

	#draw() {
		const gl = this.#gl;
		const { height, matte_top: top, coded_height: whole } = this.#picture ?? {};
		/* a last picture of another room may still come */
		if (!this.#part || this.#video.videoHeight !== whole)
			return;
		gl.viewport(0, 0, this.canvas.width, this.canvas.height);
		gl.uniform2f(this.#part, height / whole, top / whole);
		gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, gl.RGB, gl.UNSIGNED_BYTE, this.#video);
		gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
	}
}
