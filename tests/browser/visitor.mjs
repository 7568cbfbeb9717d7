// A person before a browser of their own, and what every one of them does at the hub.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';

import { SCREENSHOTS } from '../hub/pages.mjs';

const PATIENCE_MS = 20_000;

// A page in a new context. `page.strayed`: what it asked of others than the hub; `page.faults`: what its
// scripts threw and what its policy stopped.
export async function visitor(browser, hub, language = 'en') {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: language });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.strayed = [];
  page.faults = [];
  const isOurs = (url) => url.startsWith(`${hub.url}/`) || url.startsWith('data:');
  context.on('request', (request) => { if (!isOurs(request.url())) page.strayed.push(request.url()); });
  page.on('pageerror', (error) => page.faults.push(error.stack));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) page.faults.push(message.text());
  });
  return page;
}

// From wherever the log-in page comes up.
export async function logIn(page, name, password = 'anything') {
  await page.waitForURL('**/hub/login**');
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', password);
  await page.click('.by-password button');
}

// From the spawn form to whatever comes.
export async function startWith(page, profile) {
  await page.waitForURL('**/hub/spawn**');
  await page.getByText(profile, { exact: true }).click();
  await page.locator('#spawn button.primary').click();
}

// With the Tab key alone, until the locator's element has the focus; it has to be seen there.
export async function tabTo(page, locator, most = 40) {
  for (let presses = 0; presses < most; presses += 1) {
    if (await locator.evaluate((node) => node === document.activeElement)) {
      const seen = await locator.evaluate((node) => [node, node.closest('label')].some((box) =>
        box && (getComputedStyle(box).outlineStyle !== 'none' || getComputedStyle(box).boxShadow !== 'none')));
      assert.ok(seen, `nobody sees that ${locator} has the focus`);
      return;
    }
    await page.keyboard.press('Tab');
  }
  assert.fail(`${most} presses of Tab do not lead to ${locator}`);
}

// Pictures of what everybody saw when a test failed.
export async function shootFailure(test, pages) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  for (const [name, page] of Object.entries(pages)) {
    const path = `${SCREENSHOTS}/failed-${test.replaceAll(/\W+/g, '-')}-${name}.png`;
    await page.screenshot({ path, timeout: 5000 }).catch(() => {});
  }
}

// After each test: everybody (by name: their page) leaves, and none of them saw what no page may do. Of a test that
// failed there are pictures, and what the hub has to say.
export async function allLeave(t, people, hub) {
  const pages = Object.values(people);
  if (!t.passed) await shootFailure(t.name, people);
  await Promise.all(pages.map((page) => page.context().close()));
  for (const name of Object.keys(people)) delete people[name];
  if (!t.passed) process.stderr.write(`${hub?.troubles}\n`);
  assert.deepEqual(pages.flatMap((page) => page.strayed), [], 'no request leaves the origin');
  assert.deepEqual(pages.flatMap((page) => page.faults), [], 'no script fails, nothing offends the policy');
}
