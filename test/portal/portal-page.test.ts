/** The page in a real browser, against the simulated stack: its own code and the function's, from the login to the download. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, FileChooser, Page } from 'playwright-core';
import { simulate, type ServedSimulation, type Simulation } from '../../local';
import { english } from '../../portal-page/texts-english';
import { portuguese } from '../../portal-page/texts-portuguese';
import { synthesizePortal } from './assembly';
import { browserPath, launchBrowser, openPage } from './browser';
import { readSettings, signIn } from './visitor';

const ana = { email: 'ana@example.com', password: 'Correct-horse-1' };
const bruno = { email: 'bruno@example.com', password: 'Battery-staple-2' };
const patienceMs = 30_000;

let assembly: string;
/** Files to be chosen. */
let folder: string;
let simulation: Simulation;
let served: ServedSimulation;
let browser: Browser;
let page: Page;
/** What the browser complained about: errors of scripts and violations of the page's policy. */
let complaints: string[];

const inBrowser = browserPath === undefined ? describe.skip : describe; // Without Chromium there is no page to look at.

if (browserPath === undefined) {
  test.skip('the page is tested only where Chromium is installed: CHROMIUM, or /usr/bin/chromium', () => undefined);
}

inBrowser('the page', () => {
  beforeAll(async () => {
    assembly = synthesizePortal();
    folder = mkdtempSync(join(tmpdir(), 'portal-files-'));
    simulation = await simulate(assembly, { pace: 60 });
    served = await simulation.serve({ users: [ana, bruno] });
    browser = await launchBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await simulation.close();
    for (const path of [assembly, folder]) rmSync(path, { recursive: true, force: true });
  });
  beforeEach(() => {
    complaints = [];
  });
  afterEach(async () => {
    await page.context().close();
    expect(complaints).toEqual([]);
  });

  test('signs in and out, and not with a wrong password', async () => {
    page = await open();
    await page.getByRole('button', { name: english.signIn }).click();
    await fillLogin({ ...ana, password: 'wrong' });
    await page.getByRole('alert').filter({ hasText: 'Incorrect username or password.' }).waitFor();
    await fillLogin(ana);
    await page.getByText(ana.email).waitFor();
    expect(page.url()).toBe(served.pages[0]);
    await page.reload();
    await page.getByText(ana.email).waitFor();
    await page.getByRole('button', { name: english.signOut }).click();
    await page.getByRole('button', { name: english.signIn }).click();
    await page.getByLabel('Password').waitFor();
  });

  test('takes a file through the workflow to its results, and tells of it aloud', async () => {
    page = await open(ana);
    await choose({ name: 'sales.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n1,2\n') });
    const card = page.getByRole('listitem').filter({ hasText: 'sales.csv' });
    await card.getByRole('list', { name: english.stepsLabel }).waitFor();
    await card.getByText(english.states.STORED, { exact: true }).waitFor({ timeout: patienceMs });
    await page.locator('[aria-live=polite]', { hasText: 'sales.csv: Done' }).waitFor({ state: 'attached' });
    await card.getByRole('button', { name: english.results('1') }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      card.getByRole('button', { name: `${english.download} lines.txt` }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('lines.txt');
    expect(readFileSync((await download.path())!, 'utf8')).toBe('2\n');
    await expectAccessible();
  });

  test('says why a file is not accepted: its type, its size, or what the command found', async () => {
    page = await open(ana);
    await choose({ name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from('png') });
    await page.getByText('It must end with .csv.').waitFor();
    await page.getByText(english.reasons['WrongContentType']!({ suffix: '', maximum: '' })).waitFor();
    await choose(bigFile('big.csv', 33));
    await page.getByText('It may have at most 32 MB.').waitFor();
    await expectAccessible();
    await page.getByRole('button', { name: english.dismiss('big.csv') }).click();
    await page.getByText('big.csv').waitFor({ state: 'detached' });
    await choose({ name: 'wrong.csv', mimeType: 'text/csv', buffer: Buffer.from('reject\n') });
    const card = page.locator('[data-state=REJECTED]').filter({ hasText: 'wrong.csv' });
    await card.getByText('The column "amount" is missing').waitFor({ timeout: patienceMs });
  });

  test('shows nothing of another user', async () => {
    page = await open(bruno);
    await page.getByText(english.noUploads).waitFor();
    const { uploads } = await uploadsOf(ana);
    const token = await tokenOf(page);
    const { api } = await readSettings(served);
    for (const { id } of uploads.slice(0, 1)) {
      const { status } = await fetch(`${api}/uploads/${id}/results/0`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(status).toBe(404);
    }
  });

  test('goes on in parts after the network failed', async () => {
    page = await open(ana);
    let failures = 2;
    await page.route(/partNumber=2/, (route) => (failures-- > 0 ? route.abort() : route.continue()));
    await choose(bigFile('parts.csv', 17));
    const card = page.locator('[data-state]').filter({ hasText: 'parts.csv' });
    await card.waitFor({ timeout: patienceMs });
    expect(failures).toBeLessThan(0);
    complaints = complaints.filter((complaint) => !complaint.includes('net::ERR_FAILED'));
  });

  test('works with the keyboard alone', async () => {
    page = await open();
    await tabTo(english.signIn);
    await page.keyboard.press('Enter');
    await page.getByLabel('Email address').focus();
    await page.keyboard.type(ana.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(ana.password);
    await page.keyboard.press('Enter');
    await page.getByText(ana.email).waitFor();
    await tabTo(english.skipToUploads);
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('uploads');
    // Listened for well before the key: a browser that has not taken in yet that we listen would open a dialog of its own.
    const opened = new Promise<FileChooser>((resolve) => page.once('filechooser', resolve));
    await page.goto(served.pages[0]!);
    await page.getByText(ana.email).waitFor();
    await tabTo(english.chooseFiles);
    await page.keyboard.press('Enter');
    const chooser = await opened;
    await chooser.setFiles({ name: 'keys.csv', mimeType: 'text/csv', buffer: Buffer.from('a\n') });
    await page.getByRole('heading', { name: 'keys.csv' }).waitFor();
  });

  test('speaks the browser’s language, and the one that is chosen, also on a phone', async () => {
    page = await open(ana, {
      locale: 'pt-BR',
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
      colorScheme: 'dark',
    });
    await page.getByRole('heading', { name: portuguese.yourUploads }).waitFor();
    expect(await page.evaluate('[document.documentElement.lang, document.title]')).toEqual(['pt-BR', portuguese.title]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true);
    await page.locator('[data-state]').first().waitFor();
    await expectAccessible();
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('heading', { name: english.yourUploads }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: english.yourUploads }).waitFor();
  });
});

/** @param user Signed in at once; without one, the page is shown as strangers see it. */
async function open(user?: typeof ana, options: Parameters<typeof openPage>[1] = {}): Promise<Page> {
  page = await openPage(browser, options);
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // The browser reports every refusal as an error; the tests look at what the page makes of it.
    const isAnswer = /status of (4\d\d)/.test(message.text());
    if (message.type() === 'error' && !isAnswer) complaints.push(message.text());
  });
  await page.goto(served.pages[0]!);
  if (user !== undefined) {
    await page.getByRole('button', { name: new RegExp(`${english.signIn}|${portuguese.signIn}`) }).click();
    await fillLogin(user);
    await page.getByText(user.email).waitFor();
  } else {
    await page.getByRole('button', { name: english.signIn }).waitFor();
    await expectAccessible();
  }
  return page;
}

async function fillLogin({ email, password }: typeof ana): Promise<void> {
  await page.getByLabel('Email address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

type File = { readonly name: string; readonly mimeType: string; readonly buffer: Buffer };

/** A file on the disk: one in memory would take its time on the way to the browser. */
function bigFile(name: string, mebibytes: number): string {
  const path = join(folder, name);
  writeFileSync(path, Buffer.alloc(mebibytes * 1024 * 1024, 'a,b\n'));
  return path;
}

function choose(file: File | string): Promise<void> {
  return page.locator('.drop input[type=file]').setInputFiles(file);
}

async function tabTo(text: string): Promise<void> {
  for (let presses = 0; presses < 12; presses++) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate('document.activeElement.textContent')) === text) return;
  }
  throw new Error(`The keyboard does not reach "${text}"`);
}

/** No violation of WCAG 2.2 AA that axe-core can find. */
async function expectAccessible(): Promise<void> {
  // The page's own policy forbids scripts from elsewhere: this one comes in past it.
  await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const found = (await page.evaluate(
    `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
  )) as string[];
  expect(found).toEqual([]);
}

/** The access token that the page keeps in its tab. */
async function tokenOf(from: Page): Promise<string> {
  return (await from.evaluate(
    `JSON.parse(sessionStorage.getItem(Object.keys(sessionStorage).find((key) => key.startsWith('oidc.user:')))).access_token`,
  )) as string;
}

async function uploadsOf(user: typeof ana): Promise<{ readonly uploads: readonly { readonly id: string }[] }> {
  const { access_token: token } = await signIn(served, user);
  const { api } = await readSettings(served);
  const response = await fetch(`${api}/uploads`, { headers: { authorization: `Bearer ${token}` } });
  return (await response.json()) as { uploads: { id: string }[] };
}
