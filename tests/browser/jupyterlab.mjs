// What people do in JupyterLab.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LOADING_MS = 60_000;
const NOTEBOOK = '.jp-NotebookPanel:not(.lm-mod-hidden)';

export async function openedLab(page, name) {
  await page.waitForURL(`**/user/${name}/lab**`, { timeout: LOADING_MS });
  await page.locator('.jp-Launcher').waitFor({ timeout: LOADING_MS });
}

// A new notebook whose kernel has said itself that it is idle, the cursor in its first cell.
export async function openNotebook(page) {
  await page.locator('.jp-LauncherCard[data-category="Notebook"]').first().click();
  await page.locator('.jp-StatusBar-TextItem, .jp-StatusBar-Widget', { hasText: /\| Idle$/ }).first()
    .waitFor({ timeout: LOADING_MS });
  await page.locator(`${NOTEBOOK} .jp-CodeCell .cm-content`).first().click();
}

// Back to the notebook that was left, the cursor in its last cell.
export async function returnToNotebook(page) {
  await page.locator('.lm-TabBar-tab', { hasText: '.ipynb' }).first().click();
  await page.locator(`${NOTEBOOK} .jp-CodeCell .cm-content`).last().click();
}

// Types into the cell that has the cursor, runs it, and waits for its output, the nth of the notebook.
export async function runCell(page, code, n, expected) {
  await page.keyboard.type(code);
  await page.keyboard.press('Shift+Enter');
  await saidBy(page, n, expected);
}

export async function saidBy(page, n, expected) {
  const output = page.locator(`${NOTEBOOK} .jp-OutputArea-output`).nth(n);
  await output.waitFor({ timeout: LOADING_MS });
  assert.equal((await output.innerText()).trim(), expected);
}

// A new terminal, and that it writes into `home`.
export async function useTerminal(page, home) {
  await page.locator('.lm-TabBar-addButton:visible').first().click();
  await page.locator('.jp-Launcher:visible .jp-LauncherCard', { hasText: 'Terminal' }).click();
  await page.locator('.jp-Terminal .xterm-screen').click();
  const file = join(home, 'from-terminal');
  const deadline = Date.now() + LOADING_MS;
  while (!existsSync(file) || readFileSync(file, 'utf8').trim() !== '42') {
    assert.ok(Date.now() < deadline, 'what the terminal was told to write is there');
    await page.keyboard.type('echo $((6*7)) > from-terminal\n'); // the shell takes keys once it runs
    await page.waitForTimeout(300);
  }
}
