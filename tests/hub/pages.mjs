// What every test of the hub's pages asks of a page: that it is accessible, and that it can be looked at.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = process.env.NODE_PACKAGES ?? `${ROOT}build/node/`;
const SCREENSHOTS = `${ROOT}build/screenshots`;
const SCHEMES = ['light', 'dark'];
const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];

let axe; // its source: put in by the debugger, since a page's policy takes no script from elsewhere

async function violations(page) {
  axe ??= readFileSync(createRequire(NODE).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(`typeof axe === 'object' || (() => { ${axe} })()`);
  const found = await page.evaluate(async () => (await axe.run(document)).violations);
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target}\n${failureSummary}`));
}

// Asserts that axe-core finds nothing in the page as it is now, in either colour scheme.
export async function checkAccessibility(page) {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    assert.deepEqual(await violations(page), [], `${page.url()} in ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

// build/screenshots/NAME-SCHEME-WIDTH.png in both colour schemes at desktop and phone width; asserts that
// nothing is wider than the screen.
export async function shot(page, name) {
  const before = page.viewportSize();
  mkdirSync(SCREENSHOTS, { recursive: true });
  for (const size of SIZES) {
    await page.setViewportSize(size);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const path = `${SCREENSHOTS}/${name}-${colorScheme}-${size.width}.png`;
      await page.screenshot({ path, fullPage: size.width < 1000 });
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= size.width, `${name} is ${wide} px wide on a screen of ${size.width}`);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  await page.setViewportSize(before);
}
