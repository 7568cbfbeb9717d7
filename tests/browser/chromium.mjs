// Chromium as every browser test starts it.
import { createRequire } from 'node:module';

import { ROOT } from './system.mjs';

const { chromium } = createRequire(`${ROOT}build/node/`)('playwright-core');

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
    '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  ],
});
