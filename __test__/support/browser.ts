import { after, before, type TestContext } from 'node:test';

import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

import { requirement } from './requirements.js';
import { withoutSanitizer } from './sanitizer.js';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const WAIT_MS = 10_000;

const { path, skip } = requirement('chromium');

/** Why the tests of a page are skipped, if they are. */
export const skipWithoutBrowser = skip;

/** One browser for the file, made if it is needed. Each {@link Visitor} is a device of its own. */
export class BrowserOfFile {
  #browser: Browser | undefined;

  constructor() {
    before(async () => {
      if (skip === false) this.#browser = await chromium.launch({ executablePath: path, args: FLAGS, env: withoutSanitizer() });
    });
    after(async () => this.#browser?.close());
  }

  /** Opens a browser window without cookies. */
  async visitor(t: TestContext, options: BrowserContextOptions = {}): Promise<Visitor> {
    if (this.#browser === undefined) throw new Error('there is no browser');
    const context = await this.#browser.newContext(options);
    context.setDefaultTimeout(WAIT_MS);
    t.after(() => context.close());
    return new Visitor(context, await context.newPage());
  }
}

/** Somebody at a browser. */
export class Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the console has shown as an error or warning, and what was thrown and not caught. */
  readonly complaints: string[] = [];

  constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  /** Clicks the element of that `data-testid`. */
  click(testId: string): Promise<void> {
    return this.page.getByTestId(testId).click();
  }

  fill(testId: string, text: string): Promise<void> {
    return this.page.getByTestId(testId).fill(text);
  }

  /** Resolves when the element of that `data-testid` is seen and holds the text. */
  async sees(testId: string, text: string | RegExp = ''): Promise<void> {
    await this.page.getByTestId(testId).filter({ hasText: text, visible: true }).first().waitFor();
  }

  text(testId: string): Promise<string> {
    return this.page.getByTestId(testId).innerText();
  }
}
