// A person's way through the Python JupyterHub and JupyterLab, in Chromium, through the proxy that ./run
// builds (or the one that HUBGATE names). The tests go on from each other: one browser, one user.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { launch } from './chromium.mjs';
import { ROOT, System } from './system.mjs';

const USER = 'ada';
const MEGABYTE = 1024 * 1024;
const UPLOAD_BYTES = 50 * MEGABYTE;
const SCREENSHOTS = `${ROOT}build/screenshots`;

let system, browser, page, files;
const sockets = []; // every WebSocket the page opened: its URL and the bytes of its frames

async function sha256(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

const kernelSockets = () => sockets.filter(({ url }) => /\/api\/kernels\/[^/]+\/channels/.test(url));
const shot = (name) => page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });

before(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  files = mkdtempSync(join(tmpdir(), 'hubgate-browser-'));
  rmSync(`${ROOT}build/home/${USER}`, { recursive: true, force: true });
  system = await System.start('--jupyterhub');
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(30_000);
  page.on('websocket', (socket) => {
    const seen = { url: socket.url(), sent: 0, received: 0 };
    sockets.push(seen);
    socket.on('framesent', ({ payload }) => { seen.sent += payload.length; });
    socket.on('framereceived', ({ payload }) => { seen.received += payload.length; });
  });
}, { timeout: 300_000 });

after(async () => {
  await browser?.close();
  rmSync(files, { recursive: true, force: true });
  await system?.stop();
}, { timeout: 60_000 });

afterEach(async (t) => {
  if (!t.passed && page) await shot(`failed-${t.name.replaceAll(/\W+/g, '-')}`).catch(() => {});
});

test('logging in starts a server and opens JupyterLab', { timeout: 90_000 }, async () => {
  await page.goto(system.url);
  await page.waitForURL('**/hub/login**');
  await shot('1-login');
  await page.fill('input[name=username]', USER);
  await page.fill('input[name=password]', system.password);
  await page.click('input[type=submit], button[type=submit]');
  await page.waitForURL(`**/user/${USER}/lab**`, { timeout: 60_000 });
  await page.locator('.jp-Launcher').waitFor({ timeout: 60_000 });
  await shot('2-jupyterlab');
});

test("a cell runs over the kernel's WebSocket", { timeout: 90_000 }, async () => {
  await page.locator('.jp-LauncherCard[data-category="Notebook"]').first().click();
  const notebook = page.locator('.jp-NotebookPanel:not(.lm-mod-hidden)');
  // Idle counts once the kernel itself has said so.
  await page.locator('.jp-StatusBar-TextItem, .jp-StatusBar-Widget', { hasText: /\| Idle$/ })
    .first().waitFor();
  await notebook.locator('.jp-CodeCell .cm-content').first().click();
  await page.keyboard.type('import os; print("answer", 6 * 7, os.environ["JUPYTERHUB_USER"])');
  await page.keyboard.press('Shift+Enter');
  const output = notebook.locator('.jp-OutputArea-output').first();
  await output.waitFor();
  assert.equal((await output.innerText()).trim(), `answer 42 ${USER}`);
  await shot('3-notebook');

  const kernel = kernelSockets();
  assert.ok(kernel.length > 0, 'a WebSocket to the kernel was opened');
  assert.ok(kernel.every((socket) => socket.url.startsWith(`ws://127.0.0.1:${system.port}/`)));
  assert.ok(kernel.some((socket) => socket.sent > 0 && socket.received > 0), 'with frames both ways');
});

test('a large output arrives whole', { timeout: 60_000 }, async () => {
  const bytes = () => kernelSockets().reduce((sum, socket) => sum + socket.received, 0);
  const before = bytes();
  await page.keyboard.type('print("x" * 800_000)');
  await page.keyboard.press('Shift+Enter');
  await page.locator('.jp-InputPrompt', { hasText: '[2]:' }).waitFor();
  assert.ok(bytes() - before > 800_000, `${bytes() - before} bytes arrived`);
});

test('a 50 MB file is uploaded and comes back the same', { timeout: 120_000 }, async () => {
  const source = join(files, 'upload.bin');
  for (let i = 0; i < UPLOAD_BYTES / MEGABYTE; i += 1) {
    writeFileSync(source, randomBytes(MEGABYTE), { flag: 'a' });
  }
  const chooser = page.waitForEvent('filechooser');
  await page.locator('[data-command="filebrowser:upload"], [title^="Upload Files"]').first().click();
  await (await chooser).setFiles(source);
  // JupyterLab asks before it takes a large file.
  await page.locator('.jp-Dialog .jp-mod-accept').click();
  const item = page.locator('.jp-DirListing-item', { hasText: 'upload.bin' });
  await item.waitFor({ timeout: 60_000 });
  const stored = `${ROOT}build/home/${USER}/upload.bin`;
  const wanted = await sha256(source);
  const deadline = Date.now() + 60_000;
  while (await sha256(stored) !== wanted) {
    assert.ok(Date.now() < deadline, 'the upload is complete within a minute');
    await page.waitForTimeout(500);
  }
  await shot('4-uploaded');

  const download = page.waitForEvent('download');
  await item.click({ button: 'right' });
  await page.locator('.lm-Menu-item[data-command="filebrowser:download"]').click();
  const target = join(files, 'download.bin');
  await (await download).saveAs(target);
  assert.equal(await sha256(target), wanted);
});

test('logging out ends the session', { timeout: 60_000 }, async () => {
  await page.goto(`${system.url}/hub/home`);
  await page.locator('#logout').click();
  await page.waitForURL(/\/hub\/(login|logout)/);
  await shot('5-logged-out');
  const answer = await page.goto(`${system.url}/user/${USER}/lab`);
  assert.match(page.url(), /\/hub\/login/);
  assert.equal(answer.status(), 200);
});

test('servers and kernels still run when ./run is ended', () => {
  // What `after` then proves: it leaves none of them behind.
  const running = system.descendants().join('\n');
  assert.match(running, /jupyterhub-singleuser/);
  assert.match(running, /ipykernel_launcher/);
});
