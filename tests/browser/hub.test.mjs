// People's ways through the hub in Chromium: two users and an admin with real JupyterLabs, behind the
// proxy. The tests go on from each other.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { checkAccessibility, shot } from '../hub/pages.mjs';
import { launch } from './chromium.mjs';
import { Hub, waitFor } from './hub.mjs';
import { ROOT } from './system.mjs';

const PROFILES = [
  { name: 'Standard', description: 'JupyterLab with a gigabyte of memory', default: true, memory_limit: '1G' },
  { name: 'Broken', description: 'Ends at once', command: ['sh', '-c', 'echo no kernel today >&2; exit 3'] },
];

let hub, browser;
const people = {}; // by name: a browser of their own and its page

async function person(name, language = 'en') {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: language });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  people[name] = page;
  return page;
}

async function logIn(name, page) {
  await page.goto(`${hub.url}/`);
  await page.waitForURL('**/hub/login**');
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', 'anything');
  await page.click('.by-password button');
}

// From the spawn form to whatever comes.
async function startWith(page, profile) {
  await page.waitForURL('**/hub/spawn**');
  await page.getByText(profile, { exact: true }).click();
  await page.locator('#spawn button.primary').click();
}

async function openNotebook(page) {
  await page.locator('.jp-LauncherCard[data-category="Notebook"]').first().click();
  await page.locator('.jp-StatusBar-TextItem, .jp-StatusBar-Widget', { hasText: /\| Idle$/ }).first().waitFor();
  await page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .cm-content').first().click();
}

// Types into the cell that has the cursor, runs it, and waits for its output, the nth of the page.
async function runCell(page, code, n, expected) {
  await page.keyboard.type(code);
  await page.keyboard.press('Shift+Enter');
  const output = page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output').nth(n);
  await output.waitFor();
  assert.equal((await output.innerText()).trim(), expected);
}

// Axe-core in both schemes, and pictures in both languages.
async function look(page, name) {
  await checkAccessibility(page);
  await shot(page, `hub-${name}`);
}

before(async () => {
  hub = await Hub.start({ profiles: PROFILES, servers_per_user_max: 2 });
  browser = await launch();
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  await hub?.stop();
}, { timeout: 90_000 });

afterEach(async (t) => {
  if (t.passed) return;
  for (const [name, page] of Object.entries(people)) {
    const path = `${ROOT}build/screenshots/failed-${t.name.replaceAll(/\W+/g, '-')}-${name}.png`;
    await page.screenshot({ path }).catch(() => {});
  }
  process.stderr.write(hub?.log.slice(-4000) ?? '');
});

test('two users log in at once and each gets a JupyterLab', { timeout: 120_000 }, async () => {
  await Promise.all(['ada', 'grace'].map(async (name) => {
    const page = await person(name);
    await logIn(name, page);
    await startWith(page, 'Standard');
    await page.waitForURL(`**/user/${name}/lab**`, { timeout: 90_000 });
    await page.locator('.jp-Launcher').waitFor();
  }));
});

test('each runs a cell', { timeout: 120_000 }, async () => {
  for (const name of ['ada', 'grace']) {
    const page = people[name];
    await openNotebook(page);
    await runCell(page, 'import os; x = 41; print(6 * 7, os.environ["JUPYTERHUB_USER"])', 0, `42 ${name}`);
  }
});

test('a terminal opens and runs in the own home', { timeout: 60_000 }, async () => {
  const page = people.ada;
  await page.keyboard.press('Control+Shift+L');
  await page.locator('.jp-Launcher:visible .jp-LauncherCard', { hasText: 'Terminal' }).click();
  await page.locator('.jp-Terminal .xterm-screen').waitFor();
  await page.locator('.jp-Terminal').click();
  const file = join(hub.home('ada'), 'from-terminal');
  await waitFor(async () => { // the shell takes keys once it runs
    await page.keyboard.type('echo $((6*7)) > ~/from-terminal\n');
    await page.waitForTimeout(300);
    return existsSync(file) && readFileSync(file, 'utf8').trim() === '42';
  }, 'the terminal');
});

test("nobody reaches another's server", { timeout: 60_000 }, async () => {
  const page = await people.ada.context().newPage();
  const answer = await page.goto(`${hub.url}/user/grace/lab`);
  assert.equal(answer.status(), 403);
  assert.doesNotMatch(await page.content(), /jp-/);
  for (const path of ['/user/grace/api/contents', '/user/grace/api/kernels', '/hub/api/users/grace']) {
    const { status } = await page.evaluate(async (url) => ({ status: (await fetch(url)).status }), path);
    assert.ok([403, 404].includes(status), `${path}: ${status}`);
  }
  await page.close();
});

test("an admin opens a user's server after consent", { timeout: 90_000 }, async () => {
  const page = await person('admin');
  await logIn('admin', page);
  await page.waitForURL('**/hub/spawn**');
  await look(page, 'spawn');
  await page.goto(`${hub.url}/user/grace/lab`);
  await page.waitForURL('**/oauth2/authorize**');
  await look(page, 'consent');
  await page.locator('button.primary').click();
  await page.waitForURL('**/user/grace/lab**');
  await page.locator('.jp-NotebookPanel, .jp-Launcher').first().waitFor();
});

test("an admin reads a server's log and stops it", { timeout: 90_000 }, async () => {
  const page = people.admin;
  await page.goto(`${hub.url}/hub/admin`);
  const row = page.locator('#users tr', { hasText: 'grace' }).first();
  await row.waitFor();
  await look(page, 'admin');
  await row.getByRole('button', { name: /log/i }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByText(/Jupyter Server|ServerApp|Serving|http:\/\//).first().waitFor();
  await checkAccessibility(page);
  await page.keyboard.press('Escape');
  await row.getByRole('button', { name: /stop/i }).click();
  const confirm = page.locator('dialog[open] button.primary, dialog[open] button.danger');
  if (await confirm.count()) await confirm.first().click();
  await waitFor(async () => !await hub.isReady('grace'), 'the end of the server');
});

test('a server that does not run says so, and how to start it', { timeout: 60_000 }, async () => {
  const page = await people.grace.context().newPage();
  await waitFor(async () => (await hub.api('GET', '/users/grace')).json.servers[''] === undefined, 'the end');
  const answer = await page.goto(`${hub.url}/user/grace/lab`);
  assert.equal(answer.status(), 424);
  await look(page, 'not-running');
  await page.close();
});

test('a start that fails shows its reason and the last lines', { timeout: 60_000 }, async () => {
  const page = await person('mallory');
  await logIn('mallory', page);
  await startWith(page, 'Broken');
  await page.getByText('no kernel today').waitFor();
  await page.locator('#reason', { hasText: /status 3/ }).waitFor();
  await look(page, 'failed');
});

test('the hub dies and comes back: kernel, page and routes go on', { timeout: 120_000 }, async () => {
  const page = people.ada;
  await page.locator('.lm-TabBar-tab', { hasText: '.ipynb' }).first().click();
  await page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .cm-content').last().click();
  const { proxyPid } = hub;
  await hub.kill();
  await runCell(page, 'print(x + 1)', 1, '42'); // without any hub
  await hub.begin();
  assert.equal(hub.proxyPid, proxyPid, 'the proxy is the same');
  await waitFor(() => hub.isReady('ada'), 'the server to be taken up');
  const table = (await hub.api('GET', '/proxy')).json;
  assert.ok(table['/user/ada'] && table['/'], JSON.stringify(Object.keys(table)));
  await runCell(page, 'print(x + 2)', 2, '43');
  await page.context().newPage().then(async (home) => {
    await home.goto(`${hub.url}/hub/home`); // still logged in
    await home.locator('#servers li').first().waitFor();
    await look(home, 'home');
    await home.close();
  });
});

test('the proxy dies and comes back with its routes', { timeout: 60_000 }, async () => {
  const before = hub.proxyPid;
  process.kill(before, 'SIGKILL');
  const killed = Date.now();
  await waitFor(async () => (await fetch(`${hub.url}/user/ada/api`)).status === 200
    && hub.proxyPid !== before, 'the routes');
  process.stdout.write(`  routes back after ${Date.now() - killed} ms\n`);
});

test('pages are accessible in both languages', { timeout: 120_000 }, async () => {
  for (const language of ['en', 'zh-CN']) {
    const page = await person(`visitor-${language}`, language);
    const requests = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(`${hub.url}/hub/login`);
    assert.equal(await page.getAttribute('html', 'lang'), language);
    await look(page, `login-${language}`);
    await page.goto(`${hub.url}/hub/error/503`);
    await look(page, `error-${language}`);
    await logIn(`visitor-${language.toLowerCase()}`, page);
    await page.waitForURL('**/hub/spawn**');
    for (const place of ['home', 'token', 'spawn']) {
      await page.goto(`${hub.url}/hub/${place}`);
      await look(page, `${place}-${language}`);
    }
    await page.goto(`${hub.url}/hub/logout`);
    await look(page, `logout-${language}`);
    assert.deepEqual(requests.filter((url) => !url.startsWith(`${hub.url}/`) && !url.startsWith('data:')), [],
      'no request left the origin');
  }
  people.admin.context().addCookies([{ name: 'hubgate-lang', value: 'zh-CN', url: hub.url }]);
  await people.admin.goto(`${hub.url}/hub/admin`);
  await people.admin.locator('#users tr').first().waitFor();
  await look(people.admin, 'admin-zh-CN');
});

test('logging out ends the session', { timeout: 60_000 }, async () => {
  const page = people.ada;
  await page.goto(`${hub.url}/hub/logout`);
  await page.goto(`${hub.url}/user/ada/lab`);
  assert.match(page.url(), /\/hub\/login/);
});
