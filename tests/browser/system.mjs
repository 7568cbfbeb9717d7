// The system as ./run starts it, and its end: every process it left behind is a failure.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const START_SECONDS = 150;
const STOP_SECONDS = 30;

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export class System {
  static async start(...args) {
    const system = new System();
    system.port = await freePort();
    system.url = `http://127.0.0.1:${system.port}`;
    system.output = '';
    system.process = spawn('./run', args, {
      cwd: ROOT,
      env: { ...process.env, PORT: String(system.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    system.ended = once(system.process, 'exit');
    await system.#opened();
    system.password = readFileSync(`${ROOT}build/run/${system.port}/password`, 'utf8').trim();
    return system;
  }

  #opened() {
    return new Promise((resolve, reject) => {
      const give = (why) => reject(new Error(`${why}:\n${this.output}`));
      const timer = setTimeout(give, START_SECONDS * 1000, `./run opened nothing in ${START_SECONDS} s`);
      const onOutput = (text) => {
        this.output += text;
        if (!this.output.split('\n').includes(`Open ${this.url}`)) return;
        clearTimeout(timer);
        resolve();
      };
      this.process.stdout.on('data', onOutput);
      this.process.stderr.on('data', onOutput);
      this.process.on('exit', () => give('./run ended'));
    });
  }

  // Processes that carry the mark ./run gives to all it starts.
  descendants() {
    const mark = `HUBGATE_RUN=${this.process.pid}-`;
    const found = [];
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const environ = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        if (environ.some((entry) => entry.startsWith(mark))) {
          found.push(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
        }
      } catch {
        // it ended meanwhile
      }
    }
    return found;
  }

  // By SIGINT it is ended as by Ctrl-C.
  async stop(signal = 'SIGTERM') {
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_SECONDS * 1000);
    const [status] = await this.ended;
    clearTimeout(timer);
    for (const state of ['run', 'hub']) rmSync(`${ROOT}build/${state}/${this.port}`, { recursive: true, force: true });
    assert.equal(status, 0, `./run's exit status:\n${this.output}`);
    assert.deepEqual(this.descendants(), [], 'processes left behind');
    for (const name of ['jupyterhub', 'hub']) {
      const log = `${ROOT}build/log/${name}.log`;
      if (existsSync(log)) assert.doesNotMatch(readFileSync(log, 'utf8'), /Sanitizer|runtime error:/, log);
    }
  }
}
