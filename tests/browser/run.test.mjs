// The whole as ./run starts it: a person logs in, JupyterLab opens, a cell runs, and Ctrl-C leaves nothing
// behind.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';

import { launch } from './chromium.mjs';
import { openedLab, openNotebook, runCell } from './jupyterlab.mjs';
import { ROOT, System } from './system.mjs';
import { logIn, shootFailure, visitor } from './visitor.mjs';

const USER = 'runner';

let system, browser, page;

before(async () => {
  rmSync(`${ROOT}build/home/${USER}`, { recursive: true, force: true });
  system = await System.start();
  browser = await launch();
}, { timeout: 300_000 });

after(async () => {
  await browser?.close();
  await system?.stop();
}, { timeout: 60_000 });

afterEach(async (t) => {
  if (!t.passed && page) await shootFailure(t.name, { [USER]: page });
});

test('a person logs in with the password that ./run prints, and runs a cell', { timeout: 120_000 }, async () => {
  page = await visitor(browser, system);
  await page.goto(system.url);
  await logIn(page, USER, 'not the password');
  await page.locator('[role=alert]').waitFor();
  await logIn(page, USER, system.password);
  await openedLab(page, USER);
  await openNotebook(page);
  await runCell(page, 'import os; print(6 * 7, os.environ["JUPYTERHUB_USER"])', 0, `42 ${USER}`);
});

test('Ctrl-C leaves nothing behind', { timeout: 60_000 }, async () => {
  const running = system.descendants().join('\n');
  for (const program of [/hubgate-hub/, /hubgate /, /jupyterhub-singleuser/, /ipykernel_launcher/]) {
    assert.match(running, program);
  }
  const ended = system;
  system = null;
  await ended.stop('SIGINT');
});
