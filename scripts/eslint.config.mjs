// SPDX-License-Identifier: GPL-3.0-or-later
// Rules for JavaScript; ./test lint/page runs eslint.
const browser = ['document', 'window', 'navigator', 'location', 'history', 'localStorage', 'sessionStorage',
	'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'requestAnimationFrame', 'performance',
	'console', 'fetch', 'URL', 'URLSearchParams', 'Event', 'EventTarget', 'CustomEvent', 'MediaStream',
	'ResizeObserver', 'Janus', 'HTMLMediaElement', 'matchMedia', 'getComputedStyle', 'devicePixelRatio',
	'AudioContext', 'crypto', 'TextEncoder', 'queueMicrotask', 'RTCPeerConnection', 'Option', 'addEventListener', 'removeEventListener', 'reportError',
	'cancelAnimationFrame'];

export default [{
	languageOptions: {
		ecmaVersion: 2022,
		sourceType: 'module',
		globals: Object.fromEntries(browser.map(name => [name, 'readonly'])),
	},
	linterOptions: { reportUnusedDisableDirectives: 'error' },
	rules: {
		'array-callback-return': 'error',
		'eqeqeq': 'error',
		'no-cond-assign': 'error',
		'no-const-assign': 'error',
		'no-constant-condition': ['error', { checkLoops: false }],
		'no-dupe-keys': 'error',
		'no-fallthrough': 'error',
		'no-implicit-globals': 'error',
		'no-redeclare': 'error',
		'no-self-compare': 'error',
		'no-shadow': 'error',
		'no-undef': 'error',
		'no-unreachable': 'error',
		'no-unsafe-finally': 'error',
		'no-unused-vars': 'error',
		'no-use-before-define': ['error', { functions: false, variables: false }],
		'no-var': 'error',
		'prefer-const': 'error',
		'require-await': 'error',
		'valid-typeof': 'error',
	},
}, {
	files: ['examples/**', 'clients/**', 'tests/**'],
	languageOptions: { globals: { process: 'readonly', Buffer: 'readonly' } },
}, {
	files: ['tests/**'],
	languageOptions: { globals: { AudioWorkletNode: 'readonly', Blob: 'readonly', DOMException: 'readonly' } },
}];
