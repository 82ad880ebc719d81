// SPDX-License-Identifier: GPL-3.0-or-later
/* Firefox by puppeteer-core and WebDriver BiDi, for firefox.py. Reads commands, a line of JSON each, and answers each by a
 * line with its `id`; lines without one are what a page says. Ends with its input, and Firefox with it. */
import { createInterface } from 'node:readline';
import puppeteer from 'puppeteer-core';

const say = message => process.stdout.write(JSON.stringify(message) + '\n');
const { executable, preferences, folder } = JSON.parse(process.argv[2]);
const browser = await puppeteer.launch({
	browser: 'firefox', executablePath: executable, extraPrefsFirefox: preferences, headless: true, timeout: 120000,
	protocolTimeout: 300000, env: { ...process.env, HOME: folder, TMPDIR: folder },
});
const pages = [];
const LIMIT_MS = 50000;     // for what has to come before something can be done

const commands = {
	async open({ url, width, height, before }) {
		const context = await browser.createBrowserContext();
		const page = await context.newPage();
		const number = pages.push(page) - 1;
		page.setDefaultTimeout(LIMIT_MS);
		page.on('console', message => say({ page: number, level: message.type(), text: message.text() }));
		page.on('pageerror', error => say({ page: number, level: 'exception', text: String(error?.stack ?? error) }));
		await page.setViewport({ width, height });
		if (before)
			await page.evaluateOnNewDocument(before);
		await page.goto(url, { waitUntil: 'domcontentloaded' });
		return number;
	},
	async navigate({ page, url }) {
		await pages[page].goto(url, { waitUntil: 'domcontentloaded' });
	},
	async reload({ page }) {
		await pages[page].reload({ waitUntil: 'domcontentloaded' });
	},
	/* As JSON, since BiDi's own form of objects is many times as long. */
	async evaluate({ page, expression }) {
		return JSON.parse(await pages[page].evaluate(
			`(async () => JSON.stringify(await (${expression})) ?? 'null')()`));
	},
	resize: ({ page, width, height }) => pages[page].setViewport({ width, height }),
	/* Once it can be pressed and has stood still. */
	click: ({ page, selector }) => pages[page].locator(selector).click(),
	type: ({ page, text }) => pages[page].keyboard.sendCharacter(text),
	press: ({ page, key }) => pages[page].keyboard.press(key),
	async screenshot({ page, path, full }) {
		await pages[page].screenshot({ path, fullPage: full });
	},
	close: ({ page }) => pages[page].browserContext().close(),
};

say({ pid: browser.process().pid, version: await browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
	const { id, command, ...parameters } = JSON.parse(line);
	commands[command](parameters).then(value => say({ id, value: value ?? null }), error => say({ id, error: error.message }));
}
await browser.close();
process.exit(0);
