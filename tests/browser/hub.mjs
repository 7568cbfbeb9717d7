// The hub with its proxy and real JupyterLabs, as processes that a test may kill and start again.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, closeSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { freePort, ROOT } from './system.mjs';

const PROXY = resolve(ROOT, process.env.HUBGATE ?? 'build/hubgate');
const PROGRAM = join(dirname(PROXY), 'hubgate-hub');
const MARK = 'HUBGATE_TEST_RUN';
const PATIENCE_MS = 60_000;
const STOP_MS = 30_000;
// In memory where that goes: a disk that other work keeps busy holds up every start.
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

// Where each thread of a process waits, as the kernel tells it.
function waitsOf(pid) {
  const said = (file) => {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch (error) {
      return error.code;
    }
  };
  const task = `/proc/${pid}/task`;
  return readdirSync(task).map((thread) => ['comm', 'wchan', 'syscall', 'stack']
    .map((file) => said(join(task, thread, file))).join(' | ')).join('\n');
}

export async function waitFor(condition, what, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = await condition().catch(() => false);
    if (found) return found;
    assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

export class Hub {
  // settings: keys of the configuration file, over ours, services beside ours; environment: the hub's, too.
  static async start({ services = [], ...settings } = {}, environment = {}) {
    const hub = new Hub();
    hub.environment = environment;
    hub.directory = mkdtempSync(join(PLACE, 'hubgate-hub-'));
    hub.mark = randomBytes(8).toString('hex');
    hub.port = await freePort();
    hub.url = `http://127.0.0.1:${hub.port}`;
    const hubPort = await freePort();
    const token = join(hub.directory, 'token');
    hub.token = randomBytes(16).toString('hex');
    writeFileSync(token, hub.token, { mode: 0o600 });
    writeFileSync(join(hub.directory, 'hub.yaml'), JSON.stringify({
      hub_port: hubPort,
      hub_connect_url: `http://127.0.0.1:${hubPort}`,
      state_dir: join(hub.directory, 'state'),
      homes_dir: join(hub.directory, 'homes'),
      switch_user: false,
      proxy_api_url: `http://127.0.0.1:${await freePort()}`,
      proxy_command: [PROXY],
      proxy_port: hub.port,
      authenticator: 'dummy',
      allow_all: true,
      admin_users: ['admin'],
      server_command: [
        `${ROOT}build/venv/bin/jupyterhub-singleuser`,
        '--LabApp.extension_manager=readonly', `--LabApp.app_settings_dir=${ROOT}deploy/local/lab`,
      ],
      environment: { [MARK]: hub.mark },
      services: [{ name: 'tests', admin: true, token_file: token }, ...services],
      ...settings,
    }), { mode: 0o600 });
    await hub.begin();
    return hub;
  }

  async begin() {
    const log = openSync(join(this.directory, 'log'), 'a');
    this.process = spawn(PROGRAM, ['--config', join(this.directory, 'hub.yaml')], {
      cwd: this.directory, env: { ...process.env, ...this.environment, [MARK]: this.mark }, stdio: ['ignore', log, log],
    });
    closeSync(log);
    await once(this.process, 'spawn'); // or the error why it cannot be started
    this.ended = once(this.process, 'exit');
    await waitFor(async () => {
      assert.equal(this.process.exitCode, null, this.log);
      return (await fetch(`${this.url}/hub/health`)).ok;
    }, 'the hub').catch((error) => {
      const waits = this.process.exitCode === null ? waitsOf(this.process.pid) : `exit ${this.process.exitCode}`;
      this.process.kill('SIGKILL');
      throw new Error(`${error.message}\nits log:\n${this.log}\nits threads:\n${waits}`);
    });
  }

  // Its last lines that tell of something out of the ordinary.
  get troubles() { return this.log.split('\n').filter((line) => !/ info: [23]\d\d /.test(line)).slice(-40).join('\n'); }

  get log() { return readFileSync(join(this.directory, 'log'), 'utf8'); }

  get proxyPid() { return Number(readFileSync(join(this.directory, 'state/proxy.pid'), 'utf8').split(' ')[0]); }

  home(name) { return join(this.directory, 'homes', name); }

  async kill() {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  async api(method, path, body) {
    const answer = await fetch(`${this.url}/hub/api${path}`, {
      method, body: body && JSON.stringify(body), headers: { Authorization: `token ${this.token}` },
    });
    const text = await answer.text();
    return { status: answer.status, json: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
  }

  async isReady(name) {
    return (await this.api('GET', `/users/${name}`)).json.servers?.['']?.ready === true;
  }

  descendants() {
    const wanted = `${MARK}=${this.mark}`;
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(wanted);
      } catch {
        return false; // it ended meanwhile
      }
    });
  }

  // SIGINT ends everything: nothing may be left.
  async stop() {
    this.process.kill('SIGINT');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS);
    const [status] = await this.ended;
    clearTimeout(timer);
    await waitFor(async () => this.descendants().length === 0, 'the end of all processes', 20_000)
      .catch(() => {});
    const left = this.descendants();
    for (const pid of left) process.kill(Number(pid), 'SIGKILL');
    const { log, troubles } = this;
    rmSync(this.directory, { recursive: true, force: true });
    assert.equal(status, 0, `the hub's exit status:\n${troubles}`);
    assert.deepEqual(left, [], `processes left behind\n${troubles}`);
    assert.doesNotMatch(log, /Sanitizer|runtime error:/, 'a sanitizer spoke');
  }
}
