// The pages of a hub whose servers are pods, while its API server is away: what users choose from and how it
// begins again with that, what is refused, what the admin is told. The pods themselves: tests/cluster.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { look } from '../hub/pages.mjs';
import { launch } from './chromium.mjs';
import { Hub, waitFor } from './hub.mjs';
import { freePort } from './system.mjs';
import { allLeave, logIn, tabTo, visitor } from './visitor.mjs';

const REFUSED = 'An image of ours: quay.io/lab/NAME:TAG';
const PROFILES = [
  { display_name: 'CPU', description: 'For most work', slug: 'cpu', kubespawner_override: { cpu_limit: 2, mem_limit: '2G' } },
  {
    display_name: 'GPU',
    description: 'One of the large cards, for training',
    kubespawner_override: { cpu_limit: 8, mem_limit: '32G', extra_resource_limits: { 'nvidia.com/gpu': '1' } },
    profile_options: {
      image: {
        display_name: 'Image',
        choices: {
          torch: { display_name: 'PyTorch 2.9', default: true, kubespawner_override: { image: 'quay.io/lab/torch:2.9' } },
          jax: { display_name: 'JAX', kubespawner_override: { image: 'quay.io/lab/jax:1' } },
        },
        unlisted_choice: {
          enabled: true,
          display_name: 'Image of your own',
          validation_regex: '^quay\\.io/lab/[\\w.-]+:[\\w.-]+$',
          validation_message: REFUSED,
          kubespawner_override: { image: '{value}' },
        },
      },
      'shared memory': {
        display_name: 'Shared memory',
        choices: {
          small: { display_name: '1 GiB', kubespawner_override: { environment: { SHM: '1' } } },
          large: { display_name: '16 GiB', kubespawner_override: { environment: { SHM: '16' } } },
        },
      },
    },
  },
];
const LANGUAGES = { en: { key: 'en', trouble: 'it is tried again' }, 'zh-CN': { key: 'zh', trouble: '继续重试' } };

let hub, browser, directory;
const people = {};

async function arrive(name, language) {
  people[name] = await visitor(browser, hub, language);
  await people[name].goto(`${hub.url}/hub/spawn`);
  await logIn(people[name], name);
  await people[name].waitForURL('**/hub/spawn**');
  return people[name];
}

const optionsOf = async (name) => (await hub.api('GET', `/users/${name}?include_stopped_servers=1`)).json.servers?.['']?.user_options;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hubgate-kube-'));
  const kubeconfig = join(directory, 'config');
  writeFileSync(kubeconfig, JSON.stringify({
    'current-context': 'away',
    contexts: [{ name: 'away', context: { cluster: 'away', user: 'hub' } }],
    clusters: [{ name: 'away', cluster: { server: `http://127.0.0.1:${await freePort()}` } }],
    users: [{ name: 'hub', user: { token: 'a-token' } }],
  }));
  hub = await Hub.start({
    spawner: 'kubernetes',
    kubeconfig,
    singleuser: { profileList: PROFILES },
    admin_users: ['admin-en', 'admin-zh'],
    ...{ homes_dir: undefined, switch_user: undefined, server_command: undefined }, // of processes
  });
  browser = await launch();
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  await hub?.stop();
  rmSync(directory, { recursive: true });
}, { timeout: 90_000 });

afterEach((t) => allLeave(t, people, hub));

for (const [language, words] of Object.entries(LANGUAGES)) {
  const { key } = words;
  const pictured = (page, name) => look(page, `hub-${name}-${language}`);
  const pageTest = (name, body) => test(`${name}, ${language}`, { timeout: 90_000 }, body);

  pageTest('options are chosen by keyboard, and are there again the next time', async () => {
    const name = `chooser-${key}`;
    const page = await arrive(name, language);
    const { keyboard } = page;
    const image = page.getByLabel('Image', { exact: true });
    const own = page.getByLabel('Image of your own');
    assert.equal(await image.isVisible(), false, 'options are those of the chosen profile');
    await tabTo(page, page.locator('input[type=radio]:checked'));
    await keyboard.press('ArrowDown');
    await image.waitFor();
    await pictured(page, 'spawn-options');
    await tabTo(page, image);
    await keyboard.press('End'); // "Other…"
    await own.waitFor();
    if (!(await own.evaluate((node) => node === document.activeElement))) await tabTo(page, own);
    await keyboard.type('docker.io/other:1');
    await keyboard.press('Enter');
    assert.equal(await own.evaluate((node) => node.validationMessage), REFUSED);
    await pictured(page, 'spawn-options-other');
    await keyboard.press('ControlOrMeta+A');
    await keyboard.type('quay.io/lab/mine:7');
    await tabTo(page, page.getByLabel('Shared memory'));
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    await tabTo(page, page.locator('#spawn button.primary'));
    await keyboard.press('Enter');
    await page.waitForURL('**/hub/spawn-pending/**');
    const chosen = { profile: 'gpu', 'image--unlisted-choice': 'quay.io/lab/mine:7', 'shared memory': 'large' };
    assert.deepEqual(await optionsOf(name), chosen);

    await hub.api('DELETE', `/users/${name}/server`);
    await waitFor(async () => (await hub.api('GET', `/users/${name}?include_stopped_servers=1`)).json.servers[''].stopped, 'the end');
    await page.goto(`${hub.url}/hub/spawn`);
    await own.waitFor();
    assert.equal(await own.inputValue(), chosen['image--unlisted-choice']);
    assert.equal(await page.getByLabel('Shared memory').inputValue(), 'large');
    await image.selectOption('jax');
    assert.equal(await own.isVisible(), false);
    await page.locator('#spawn button.primary').click();
    await page.waitForURL('**/hub/spawn-pending/**');
    assert.deepEqual(await optionsOf(name), { profile: 'gpu', image: 'jax', 'shared memory': 'large' });
    await hub.api('DELETE', `/users/${name}/server`);
  });

  pageTest('what is not offered is refused, and the form begins with what was asked for', async () => {
    const page = await arrive(`asker-${key}`, language);
    const query = new URLSearchParams({ profile: 'gpu', 'profile-option-gpu--image--unlisted-choice': 'docker.io/other:1' });
    const answer = await page.goto(`${hub.url}/hub/spawn?${query}`);
    assert.equal(answer.status(), 400);
    await page.getByRole('alert').getByText(REFUSED).waitFor();
    assert.equal(await page.getByLabel('Image of your own').inputValue(), 'docker.io/other:1');
    await pictured(page, 'spawn-options-refused');
  });

  pageTest('the admin page tells what the driver cannot do', async () => {
    const page = await arrive(`admin-${key}`, language);
    await page.goto(`${hub.url}/hub/admin`);
    await page.locator('#trouble', { hasText: words.trouble }).waitFor();
    await pictured(page, 'admin-trouble');
  });
}
