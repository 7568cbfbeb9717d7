// What the hub's model of a server says, in words: for the user's own page and the admin's.
import { asBytes, asPercent, t } from './page.js';

// One of the keys of STATES.
export const stateOf = (server) => server.pending ?? (server.ready ? 'ready' : 'stopped');

const STATES = {
  stopped: 'state_stopped',
  spawn: 'state_spawn',
  ready: 'state_ready',
  stop: 'state_stop',
  check: 'state_check',
};

export const stateText = (state) => t(STATES[state] ?? 'state_check');

export const STOPPED = { pending: null, ready: false, started: null, last_activity: null, url: '', usage: null };

export const cpuText = (usage) => asPercent(usage.cpu);

export function memoryText(usage) {
  const used = asBytes(usage.memory_bytes);
  if (!usage.memory_limit_bytes) return used;
  return t('memory_of', { used, limit: asBytes(usage.memory_limit_bytes) });
}
