// People's ways through the hub in Chromium: two users and an admin with real JupyterLabs, behind the
// proxy. The tests go on from each other.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { launch } from './chromium.mjs';
import { Hub, waitFor } from './hub.mjs';
import { openedLab, openNotebook, returnToNotebook, runCell, saidBy, useTerminal } from './jupyterlab.mjs';
import { logIn, shootFailure, startWith, visitor } from './visitor.mjs';

const ROUTES_BACK_MS = 2000;
const PROFILES = [
  { name: 'Standard', description: 'JupyterLab with a gigabyte of memory', default: true, memory_limit: '1G' },
  { name: 'Broken', description: 'Ends at once', command: ['sh', '-c', 'echo no kernel today >&2; exit 3'] },
];

let hub, browser;
const people = {}; // by name: their page

async function arrive(name) {
  people[name] = await visitor(browser, hub);
  await people[name].goto(`${hub.url}/`);
  await logIn(people[name], name);
  return people[name];
}

before(async () => {
  hub = await Hub.start({ profiles: PROFILES });
  browser = await launch();
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  await hub?.stop();
}, { timeout: 90_000 });

afterEach(async (t) => {
  if (t.passed) return;
  await shootFailure(t.name, people);
  process.stderr.write(`${hub?.troubles}\n`);
});

test('two users log in at once and each gets a JupyterLab', { timeout: 120_000 }, async () => {
  await Promise.all(['ada', 'grace'].map(async (name) => {
    const page = await arrive(name);
    await startWith(page, 'Standard');
    await openedLab(page, name);
  }));
});

test('each runs a cell', { timeout: 120_000 }, async () => {
  for (const name of ['ada', 'grace']) {
    const page = people[name];
    await openNotebook(page);
    await runCell(page, 'import os; x = 41; print(6 * 7, os.environ["JUPYTERHUB_USER"])', 0, `42 ${name}`);
  }
});

test('each uses a terminal in the own home', { timeout: 120_000 }, async () => {
  for (const name of ['ada', 'grace']) await useTerminal(people[name], hub.home(name));
});

test('the hub dies and comes back: kernel, pages and routes go on', { timeout: 120_000 }, async () => {
  const page = people.ada;
  const home = await page.context().newPage();
  await home.goto(`${hub.url}/hub/home`);
  await home.getByText('Running', { exact: true }).waitFor();
  await page.bringToFront();
  await returnToNotebook(page);
  const { proxyPid } = hub;
  await hub.kill();
  await runCell(page, 'print(x + 1)', 1, '42'); // without any hub
  await home.bringToFront();
  await home.getByText('Lost contact with the hub').waitFor();
  await hub.begin();
  assert.equal(hub.proxyPid, proxyPid, 'the proxy is the same');
  await waitFor(() => hub.isReady('ada'), 'the server to be taken up');
  const table = (await hub.api('GET', '/proxy')).json;
  assert.deepEqual(Object.keys(table).sort(), ['/', '/user/ada/', '/user/grace/']);
  await home.getByText('Lost contact with the hub').waitFor({ state: 'detached' }); // and still logged in
  await home.reload();
  await home.getByText('Running', { exact: true }).waitFor();
  await home.close();
  await runCell(page, 'print(x + 2)', 2, '43');
});

test('the proxy dies and comes back with its routes', { timeout: 60_000 }, async () => {
  const before = hub.proxyPid;
  process.kill(before, 'SIGKILL');
  const killed = Date.now();
  await waitFor(async () => (await fetch(`${hub.url}/user/ada/api`)).status === 200
    && hub.proxyPid !== before, 'the routes');
  const took = Date.now() - killed;
  process.stdout.write(`  routes back after ${took} ms\n`);
  assert.ok(took <= ROUTES_BACK_MS, `routes are back within ${ROUTES_BACK_MS} ms`);
  await people.ada.keyboard.type('print(x + 3)');
  await people.ada.keyboard.press('Shift+Enter');
});

test("nobody reaches another's server", { timeout: 60_000 }, async () => {
  const page = await people.ada.context().newPage();
  const answer = await page.goto(`${hub.url}/user/grace/lab`);
  assert.equal(answer.status(), 403);
  assert.doesNotMatch(await page.content(), /jp-/);
  for (const path of ['/user/grace/api/contents', '/user/grace/api/kernels', '/hub/api/users/grace']) {
    const status = await page.evaluate(async (url) => (await fetch(url)).status, path);
    assert.ok([403, 404].includes(status), `${path}: ${status}`);
  }
  await page.close();
});

test("an admin opens a user's server after consent", { timeout: 90_000 }, async () => {
  const page = await arrive('admin');
  await page.waitForURL('**/hub/spawn**');
  await page.goto(`${hub.url}/user/grace/lab`);
  await page.waitForURL('**/oauth2/authorize**');
  await page.locator('button.primary').click();
  await page.waitForURL('**/user/grace/lab**');
  await page.locator('.jp-NotebookPanel:visible, .jp-Launcher:visible, .jp-Terminal:visible').first().waitFor({ timeout: 60_000 });
});

test("an admin reads a server's log and stops it", { timeout: 90_000 }, async () => {
  const page = people.admin;
  await page.goto(`${hub.url}/hub/admin`);
  const row = page.locator('#users tr', { hasText: 'grace' }).first();
  await row.getByRole('button', { name: /^log/i }).click();
  await page.locator('dialog[open] pre', { hasText: 'ServerApp' }).waitFor();
  await page.keyboard.press('Escape');
  await row.getByRole('button', { name: /^stop/i }).click();
  await page.locator('dialog[open] button.danger').click();
  await waitFor(async () => (await hub.api('GET', '/users/grace')).json.servers[''] === undefined, 'the end');
  await row.getByText('Stopped').waitFor();
});

test('a start that fails shows its reason and the last lines', { timeout: 60_000 }, async () => {
  const page = await arrive('mallory');
  await startWith(page, 'Broken');
  await page.getByText('no kernel today').waitFor();
  await page.locator('#reason', { hasText: /status 3/ }).waitFor();
});

// JupyterLab itself waits for up to half a minute until it connects to its kernel again.
test('the page whose proxy died runs the cell that waited', { timeout: 90_000 }, async () => {
  await saidBy(people.ada, 3, '44');
});

test('logging out ends the session', { timeout: 60_000 }, async () => {
  const page = people.ada;
  page.on('dialog', (dialog) => dialog.accept()); // the notebook was not saved
  await page.goto(`${hub.url}/hub/logout`);
  await page.goto(`${hub.url}/user/ada/lab`);
  assert.match(page.url(), /\/hub\/login/);
});
