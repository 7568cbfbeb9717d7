// A person's way in Chromium through a hub whose servers are pods: log in, choose a profile with an option,
// follow the start by the cluster's events, run a cell, stop, and find the file again in the next pod.
//     node way.mjs HUB_URL NAME
// Who it is is an admin; the hub's profiles are test_hub_profiles.py's.
import assert from 'node:assert/strict';

import { look } from '../hub/pages.mjs';
import { launch } from '../browser/chromium.mjs';
import { openedLab, openNotebook, runCell } from '../browser/jupyterlab.mjs';
import { logIn, shootFailure, visitor } from '../browser/visitor.mjs';

const [url, name] = process.argv.slice(2);

// From the form, filled in, to what is told on the way.
async function start(page) {
  await page.locator('#spawn button.primary').click();
  await page.waitForURL('**/hub/spawn-pending/**');
  await page.locator('#events li', { hasText: 'Successfully assigned' }).first().waitFor();
}

const browser = await launch();
const page = await visitor(browser, { url });
try {
  await page.goto(`${url}/`);
  await logIn(page, name);
  const greeting = page.getByLabel('Greeting');
  await page.waitForURL('**/hub/spawn**');
  await page.getByText('Laboratory', { exact: true }).click();
  await greeting.selectOption({ label: 'Good day' });
  await start(page);
  await look(page, 'hub-pending-pod-en');
  await openedLab(page, name);
  await openNotebook(page);
  await runCell(page, 'import os; open("kept.txt", "w").write("by the claim"); print(6 * 7, os.environ["GREETING"])', 0, '42 good day');

  await page.goto(`${url}/hub/admin`);
  await page.getByText(`jupyter-${name} · `).waitFor();
  await look(page, 'hub-admin-pod-en');
  await page.goto(`${url}/hub/home`);
  await page.locator('#servers li').first().getByRole('button', { name: /^stop/i }).click();
  await page.getByText('Stopped', { exact: true }).first().waitFor();
  await page.goto(`${url}/hub/spawn`);
  assert.equal(await greeting.inputValue(), 'day', 'it begins with what was chosen before');
  await start(page);
  await page.waitForURL(`**/user/${name}/lab**`, { timeout: 60_000 });
  await page.goto(`${url}/user/${name}/files/kept.txt`);
  await page.getByText('by the claim').waitFor();
  assert.deepEqual(page.strayed, [], 'no request leaves the origin');
} catch (error) {
  await shootFailure('way', { [name]: page });
  throw error;
} finally {
  await browser.close();
}
