#!/usr/bin/env node
// Records what a browser with an empty cache asks for while JupyterLab opens, and writes bench/page.txt,
// which the row "page" replays. Of each request only its method and sizes are kept. It needs what the
// browser's tests need (`./test browser` sets that up) and a built hub:
//   PATH=$PWD/build/venv/bin:$PATH bench/record.mjs
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

import { launch } from '../tests/browser/chromium.mjs';
import { Hub } from '../tests/browser/hub.mjs';
import { openedLab } from '../tests/browser/jupyterlab.mjs';
import { ROOT } from '../tests/browser/system.mjs';
import { logIn, visitor } from '../tests/browser/visitor.mjs';

const USER = 'alice';

async function loggedIn(browser, hub) {
  const page = await visitor(browser, hub);
  await page.goto(`${hub.url}/`);
  await logIn(page, USER);
  await openedLab(page, USER);
  const state = await page.context().storageState();
  await page.context().close();
  return state;
}

async function described(hub, request) {
  const sizes = await request.sizes();
  return {
    began: request.timing().startTime,
    words: [request.method(), request.url().length - hub.url.length, sizes.requestHeadersSize,
      sizes.requestBodySize, sizes.responseBodySize],
  };
}

async function record(browser, hub, state) {
  const context = await browser.newContext({ storageState: state, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const requests = [];
  page.on('requestfinished', (request) => {
    if (request.url().startsWith(`${hub.url}/`)) requests.push(described(hub, request));
  });
  await page.goto(`${hub.url}/user/${USER}/lab`);
  await openedLab(page, USER);
  await page.waitForLoadState('networkidle'); // nothing for half a second
  const all = await Promise.all(requests);
  return all.sort((one, other) => one.began - other.began).map(({ words }) => words.join(' '));
}

const hub = await Hub.start();
let browser;
try {
  browser = await launch();
  const lines = await record(browser, hub, await loggedIn(browser, hub));
  const lab = execFileSync(`${ROOT}build/venv/bin/jupyter-lab`, ['--version'], { encoding: 'utf8' }).trim();
  writeFileSync(`${ROOT}bench/page.txt`, [
    `# JupyterLab ${lab} opening in Chromium ${browser.version()} with an empty cache, behind hubgate, as`,
    '# bench/record.mjs saw it: a request a line, in the order in which they began; WebSockets left out.',
    '# method, bytes of the path, of the request head, of its body, of the answer\'s body',
    ...lines, ''].join('\n'));
  process.stdout.write(`${lines.length} requests\n`);
} finally {
  await browser?.close();
  await hub.stop();
}
