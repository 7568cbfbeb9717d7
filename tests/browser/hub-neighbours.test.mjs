// What the scripts of a user's server, which has the hub's origin, cannot do to a visitor of theirs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch } from './chromium.mjs';
import { Hub, waitFor } from './hub.mjs';
import { ROOT } from './system.mjs';

let hub, browser, page;

before(async () => {
  hub = await Hub.start({ server_command: ['python3', `${ROOT}tests/browser/neighbours.py`] });
  await hub.api('POST', '/users/mallory');
  await hub.api('POST', '/users/mallory/server');
  browser = await launch();
  page = await browser.newPage();
  await page.goto(`${hub.url}/hub/login?next=/hub/home`);
  await page.fill('[name=username]', 'admin');
  await page.fill('[name=password]', 'x');
  await page.press('[name=password]', 'Enter');
  await page.waitForURL(`${hub.url}/hub/home`);
  await waitFor(async () => (await page.request.get(`${hub.url}/user/mallory/`)).ok(), 'the server');
});

after(async () => {
  await browser?.close();
  await hub?.stop();
});

for (const from of ['plain', 'coop'])
  for (const path of ['/hub/home', '/hub/api/users', '/hub/api/users/mallory/server/logs'])
    test(`a page (${from}) cannot look into a window of ${path}`, async () => {
      await page.goto(`${hub.url}/user/mallory/${from}`);
      const opened = page.context().waitForEvent('page');
      await page.evaluate((url) => { globalThis.opened = window.open(url); }, path);
      const popup = await opened;
      await popup.waitForURL(hub.url + path);
      await popup.waitForLoadState();
      const seen = await page.evaluate(() => {
        try { return globalThis.opened.document.documentElement.outerHTML; } catch { return null; }
      });
      assert.equal(seen, null);
      await popup.close();
    });

for (const path of ['/hub/home', '/hub/api/users', '/hub/api/users/mallory/server/logs'])
  test(`a page cannot look into a frame of ${path}`, async () => {
    await page.goto(`${hub.url}/user/mallory/plain`);
    assert.equal(await page.evaluate((url) => new Promise((tell) => {
      const frame = document.body.appendChild(document.createElement('iframe'));
      frame.onload = () => tell(frame.contentDocument?.body.innerText ?? null);
      frame.src = url;
    }), path), null);
  });

test('a service worker serves its own server at most', async () => {
  await page.goto(`${hub.url}/user/mallory/plain`);
  const register = (scope) => page.evaluate((path) => navigator.serviceWorker.register('worker.js', { scope: path })
    .then(() => 'registered', ({ name }) => name), scope);
  assert.equal(await register('/'), 'SecurityError');
  assert.equal(await register('/hub/'), 'SecurityError');
  assert.equal(await register('/user/mallory/'), 'registered');
});
