// Every page of the hub in Chromium: in both languages, both colour schemes, at desktop and phone width,
// accessible, within the hub's own origin, and by keyboard alone. Users' servers are stubs.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { look } from '../hub/pages.mjs';
import { launch } from './chromium.mjs';
import { Hub, waitFor } from './hub.mjs';
import { allLeave, logIn, startWith, tabTo, visitor } from './visitor.mjs';
import { ROOT } from './system.mjs';

const PROFILES = [
  { name: 'Standard', description: 'For most work', default: true, cpu_limit: 2, memory_limit: '2G' },
  { name: 'GPU', description: 'One of the two large cards, for training', cpu_limit: 8, memory_limit: '32G', gpus: 1 },
  { name: 'Short', description: 'Stopped when it is not used', cull_idle_timeout_s: 500 },
];
const GRADER = { oauth_client_id: 'service-grader', oauth_redirect_uri: '/services/grader/oauth_callback' };
// Ways to log in whose pages are not those of a password: settings and environment of their hubs.
const OTHER_WAYS = {
  provider: [
    { authenticator: 'oauth2', oauth2_preset: 'github', oauth2_client_id: 'hub', oauth2_callback_url: 'http://hub.test/hub/oauth_callback' },
    { HUBGATE_HUB_OAUTH2_CLIENT_SECRET: 'secret' },
  ],
  header: [{ authenticator: 'header', header_trusted: ['127.0.0.1'] }, { HUBGATE_HUB_HEADER_SECRET: 'known to the two' }],
};
const LANGUAGES = {
  en: { key: 'en', running: 'Running', stopped: 'Stopped', warning: 'will be stopped', asleep: 'is not running', why: 'ended with status 3' },
  'zh-CN': { key: 'zh', running: '运行中', stopped: '已停止', warning: '未在使用', asleep: '未运行', why: '状态 3' },
};

let hub, browser;
const people = {}; // by name: their page

async function arrive(name, language) {
  people[name] = await visitor(browser, hub, language);
  await people[name].goto(`${hub.url}/hub/home`);
  await logIn(people[name], name);
  await people[name].waitForURL('**/hub/home');
  return people[name];
}

async function startServer(owner, name = '', options = {}) {
  const path = `/users/${owner}/${name ? `servers/${name}` : 'server'}`;
  await hub.api('POST', path, options);
  await waitFor(async () => (await hub.api('GET', `/users/${owner}`)).json.servers?.[name]?.ready, 'the server');
}

before(async () => {
  hub = await Hub.start({
    profiles: PROFILES,
    gpus: ['0', '1'],
    servers_per_user_max: 2,
    cull_every_s: 1,
    admin_users: ['admin-en', 'admin-zh'],
    server_command: [`${ROOT}build/venv/bin/python`, `${ROOT}tests/hub/stub_server.py`],
    services: [{ name: 'grader', token_env: 'GRADER_TOKEN', ...GRADER }],
  }, { GRADER_TOKEN: randomBytes(16).toString('hex') });
  browser = await launch();
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  await hub?.stop();
}, { timeout: 90_000 });

afterEach((t) => allLeave(t, people, hub));

for (const [language, words] of Object.entries(LANGUAGES)) {
  const { key } = words;
  const pictured = (page, name) => look(page, `hub-${name}-${language}`);
  const pageTest = (name, body) => test(`${name}, ${language}`, { timeout: 90_000 }, body);

  pageTest('log-in and log-out', async () => {
    const page = people.visitor = await visitor(browser, hub, language);
    await page.goto(`${hub.url}/hub/login`);
    assert.equal(await page.getAttribute('html', 'lang'), language);
    await pictured(page, 'login');
    await logIn(page, 'not/a name');
    await page.locator('[role=alert]').waitFor();
    await pictured(page, 'login-refused');
    await logIn(page, `ada-${key}`);
    await page.goto(`${hub.url}/hub/logout`);
    await pictured(page, 'logout');
  });

  pageTest('log-in without a password', async () => {
    for (const [way, settings] of Object.entries(OTHER_WAYS)) {
      const other = await Hub.start(...settings);
      try {
        const page = people[way] = await visitor(browser, other, language);
        await page.goto(`${other.url}/hub/login`);
        await page.locator(`.by-${way}:visible`).waitFor();
        await pictured(page, `login-${way}`);
      } finally {
        await other.stop();
      }
    }
  });

  pageTest('the keyboard alone leads from log-in to a server and stops it', async () => {
    const page = people.visitor = await visitor(browser, hub, language);
    const { keyboard } = page;
    const name = `keys-${key}`;
    await page.goto(`${hub.url}/`);
    await page.waitForURL('**/hub/login**');
    await keyboard.type(name); // the cursor is there already
    await keyboard.press('Tab');
    await keyboard.type('anything');
    await keyboard.press('Enter');
    await page.waitForURL('**/hub/spawn**');
    await tabTo(page, page.locator('input[type=radio]:checked'));
    await keyboard.press('ArrowDown');
    await keyboard.press('ArrowDown');
    await tabTo(page, page.locator('input[type=radio]').nth(2)); // it is chosen, or it would be left out
    await tabTo(page, page.locator('#spawn button.primary'));
    await keyboard.press('Enter');
    await page.waitForURL(`**/user/${name}/**`);
    const { user_options: options } = (await hub.api('GET', `/users/${name}`)).json.servers[''];
    assert.equal(options.profile, 'short');
    await page.goto(`${hub.url}/hub/home`);
    const row = page.locator('#servers li').first();
    await row.getByText(words.running, { exact: true }).waitFor();
    await tabTo(page, row.locator('button:visible'));
    await keyboard.press('Space');
    await row.getByText(words.stopped, { exact: true }).waitFor();
    assert.ok(await row.locator('a:visible').evaluate((node) => node === document.activeElement), 'the focus goes on');
  });

  pageTest('the spawn form, the pending page and what it becomes', async () => {
    const name = `slow-${key}`;
    const page = await arrive(name, language);
    await page.goto(`${hub.url}/hub/spawn`);
    await page.locator('input[type=radio]').first().waitFor();
    await pictured(page, 'spawn');
    const stream = page.waitForResponse(/\/progress\?/);
    const asked = [];
    page.on('request', (request) => { if (request.url().includes('include_stopped')) asked.push(request.url()); });
    await startWith(page, 'GPU');
    await page.waitForURL('**/hub/spawn-pending/**');
    const answer = await stream;
    assert.equal(answer.status(), 200);
    assert.match(answer.headers()['content-type'], /^text\/event-stream/);
    assert.equal(answer.request().resourceType(), 'eventsource');
    await page.locator('#events li').nth(1).waitFor();
    await waitFor(async () => await page.locator('#progress').evaluate((bar) => bar.value) > 0, 'progress');
    await pictured(page, 'pending');
    writeFileSync(join(hub.home(name), 'go'), '');
    await page.waitForURL(`**/user/${name}/**`);
    assert.deepEqual(asked, [], 'the stream told all of it');
  });

  pageTest('a start that fails', async () => {
    const page = await arrive(`dies-${key}`, language);
    await page.goto(`${hub.url}/hub/spawn`);
    await startWith(page, 'Standard');
    await page.getByText('no kernel is installed').waitFor();
    await page.locator('#reason', { hasText: words.why }).waitFor();
    await pictured(page, 'failed');
  });

  pageTest('home with servers, one of them to be culled', async () => {
    const name = `home-${key}`;
    const page = await arrive(name, language);
    const row = page.locator('#servers li');
    await row.first().getByText(words.stopped, { exact: true }).waitFor();
    await pictured(page, 'home-empty');
    await startServer(name, '', { profile: 'short' });
    await startServer(name, 'project');
    await row.first().getByText(words.warning).waitFor();
    await row.nth(1).getByText(words.running, { exact: true }).waitFor();
    await pictured(page, 'home');
    await row.nth(1).getByRole('button').last().click();
    await row.nth(1).getByText(words.stopped, { exact: true }).waitFor();
    await row.nth(1).locator('button.danger').click();
    await page.locator('dialog[open]').waitFor();
    await pictured(page, 'home-delete');
    await page.locator('dialog[open] button.danger').click();
    await row.nth(1).waitFor({ state: 'detached' });
    await page.fill('#name', 'second');
    await page.locator('#add button').click();
    await page.waitForURL(`**/hub/spawn/${name}/second`);
    await startWith(page, 'Standard');
    await page.waitForURL(`**/user/${name}/second/**`);
  });

  pageTest('a token is shown once, works, and is revoked', async () => {
    const page = await arrive(`token-${key}`, language);
    const name = `token-${key}`;
    await page.goto(`${hub.url}/hub/token`);
    await page.locator('#none').waitFor();
    await pictured(page, 'token-none');
    await page.fill('#note', 'backup script');
    await page.locator('#create button').click();
    const field = page.locator('dialog[open] input');
    const token = await field.inputValue();
    await pictured(page, 'token-new');
    const use = async () => (await fetch(`${hub.url}/hub/api/users/${name}`,
      { headers: { Authorization: `token ${token}` } })).status;
    assert.equal(await use(), 200);
    await page.locator('dialog[open] form button').click();
    await field.waitFor({ state: 'detached' });
    await page.reload();
    const row = page.locator('#tokens tr', { hasText: 'backup script' });
    await row.waitFor();
    assert.doesNotMatch(await page.content(), new RegExp(token), 'it is not shown again');
    await pictured(page, 'token');
    await row.getByRole('button').click();
    await page.locator('dialog[open] button.danger').click();
    await row.waitFor({ state: 'detached' });
    assert.equal(await use(), 403);
  });

  pageTest('consent, and what is not running', async () => {
    const owner = `owner-${key}`;
    const page = await arrive(`admin-${key}`, language);
    await hub.api('POST', `/users/${owner}`);
    await startServer(owner);
    await page.goto(`${hub.url}/user/${owner}/whoami`);
    await page.waitForURL('**/oauth2/authorize**');
    await pictured(page, 'consent');
    await page.locator('.row a.button').click();
    await page.waitForURL('**/hub/home');
    await page.goto(`${hub.url}/user/${owner}/whoami`);
    await page.locator('button.primary').click();
    await page.waitForURL(`**/user/${owner}/whoami`);
    await page.getByText(`"admin-${key}"`).first().waitFor();
    const query = new URLSearchParams({ client_id: GRADER.oauth_client_id, redirect_uri: GRADER.oauth_redirect_uri, response_type: 'code', state: 'x' });
    await page.goto(`${hub.url}/hub/api/oauth2/authorize?${query}`);
    await page.locator('.of-service:visible').waitFor();
    await pictured(page, 'consent-service');
    await hub.api('DELETE', `/users/${owner}/server`);
    await waitFor(async () => (await fetch(`${hub.url}/user/${owner}/lab`, { redirect: 'manual' })).status !== 200, 'the end');
    assert.equal((await page.goto(`${hub.url}/user/${owner}/lab`)).status(), 424);
    await pictured(page, 'not-running-other');
    await page.locator('h1:visible', { hasText: owner }).waitFor();
    assert.equal((await page.goto(`${hub.url}/user/admin-${key}/lab`)).status(), 424);
    await page.locator('h1:visible', { hasText: words.asleep }).waitFor();
    await pictured(page, 'not-running');
  });

  pageTest('error pages', async () => {
    const page = await arrive(`lost-${key}`, language);
    assert.equal((await page.goto(`${hub.url}/hub/nowhere`)).status(), 404);
    await pictured(page, 'error-404');
    assert.equal((await page.goto(`${hub.url}/hub/admin`)).status(), 403);
    await pictured(page, 'error-403');
    await page.goto(`${hub.url}/hub/error/503`);
    await pictured(page, 'error-503');
  });

  // Late, so that there are users and servers, and figures of some time.
  pageTest('the admin page', async () => {
    const owner = `home-${key}`;
    const page = await arrive(`admin-${key}`, language);
    await hub.api('POST', '/users', { usernames: Array.from({ length: 60 }, (_, i) => `student-${key}-${i + 10}`) });
    await page.goto(`${hub.url}/hub/admin`);
    const row = page.locator('#users tr', { hasText: owner }).first();
    await row.waitFor();
    await page.fill('#search', owner);
    await page.locator('#users tr', { hasText: 'student' }).first().waitFor({ state: 'detached' });
    await row.locator('.fold').click();
    await row.locator('svg.chart:visible').nth(1).waitFor({ timeout: 30_000 });
    await pictured(page, 'admin-one');
    await page.fill('#search', '');
    await page.locator('#users tr', { hasText: 'student' }).first().waitFor();
    await pictured(page, 'admin');
    await page.locator('#next').click();
    await page.locator('#previous:enabled').click();

    const dialog = page.locator('dialog[open]');
    const actions = row.locator('.actions button:visible, .actions a:visible');
    await actions.first().click(); // its log
    await dialog.locator('pre', { hasText: 'listening at' }).waitFor();
    await pictured(page, 'admin-log');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.locator('#add').click();
    await pictured(page, 'admin-add');
    await page.fill('#names', `new-${key}-1\nnew-${key}-2`);
    await dialog.locator('button.primary').click();
    await dialog.waitFor({ state: 'detached' });
    await waitFor(async () => (await hub.api('GET', `/users/new-${key}-2`)).status === 200, 'the new user');
    await page.fill('#search', `new-${key}`);
    const fresh = page.locator('#users tr', { hasText: `new-${key}-1` }).first();
    await page.locator('#users tr', { hasText: 'student' }).first().waitFor({ state: 'detached' });
    await fresh.locator('button[popovertarget]').click();
    await page.locator('.menu:popover-open').waitFor();
    await pictured(page, 'admin-menu');
    await page.locator('.menu:popover-open button.danger').click();
    await pictured(page, 'admin-delete');
    await dialog.locator('button.danger').click();
    await fresh.waitFor({ state: 'detached' });
    await page.fill('#search', owner);
    await actions.nth(1).click(); // stop
    await dialog.locator('button.danger').click();
    await row.getByText(words.stopped, { exact: true }).waitFor();
  });
}

test('the language that was chosen stays', { timeout: 60_000 }, async () => {
  const page = people.visitor = await visitor(browser, hub, 'en');
  await page.goto(`${hub.url}/hub/login`);
  await page.locator('#language').click();
  await page.locator('html[lang=zh-CN]').waitFor();
  await logIn(page, 'linguist');
  await page.waitForURL('**/hub/spawn**');
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
  await page.goto(`${hub.url}/hub/home`);
  await page.getByText('已停止', { exact: true }).first().waitFor();
  await page.goto(`${hub.url}/hub/logout`);
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
});
