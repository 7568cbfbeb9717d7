// What every test of the hub's pages asks of a page: that it is accessible, fits the screen, and can be
// looked at.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = process.env.NODE_PACKAGES ?? `${ROOT}build/node/`;
export const SCREENSHOTS = `${ROOT}build/screenshots`;
const SCHEMES = ['light', 'dark'];
const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];

let axe; // its source: put in by the debugger, since a page's policy takes no script from elsewhere

async function violations(page) {
  axe ??= readFileSync(createRequire(NODE).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(`typeof axe === 'object' || (() => { ${axe} })()`);
  const found = await page.evaluate(async () =>
    (await axe.run(document, { resultTypes: ['violations'] })).violations);
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target}\n${failureSummary}`));
}

// What has to be scrolled sideways, of the page and of an open dialog or menu.
const sideways = (page) => page.evaluate(() =>
  [document.documentElement, ...document.querySelectorAll('dialog[open], :popover-open')]
    .filter((box) => box.scrollWidth > box.clientWidth
      || box.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map((box) => `${box.localName} ${box.scrollWidth}`));

// In both colour schemes, at desktop and phone width: build/screenshots/NAME-SCHEME-WIDTH.png, and asserts
// that nothing is wider than the screen and that axe-core finds nothing. Axe-core takes most of the time: a
// language has half of the four, Chinese the other half.
export async function look(page, name) {
  const before = page.viewportSize();
  mkdirSync(SCREENSHOTS, { recursive: true });
  const turn = await page.getAttribute('html', 'lang') === 'en' ? 0 : 1;
  for (const [row, size] of SIZES.entries()) {
    await page.setViewportSize(size);
    for (const [column, colorScheme] of SCHEMES.entries()) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const path = `${SCREENSHOTS}/${name}-${colorScheme}-${size.width}.png`;
      const over = await page.locator('dialog[open], :popover-open').count();
      await page.screenshot({ path, fullPage: size.width < 1000 && over === 0 });
      if ((row + column) % 2 !== turn) continue;
      assert.deepEqual(await violations(page), [], `${page.url()} in ${colorScheme} at ${size.width}`);
    }
    assert.deepEqual(await sideways(page), [], `${name} at ${size.width}`);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.setViewportSize(before);
}
