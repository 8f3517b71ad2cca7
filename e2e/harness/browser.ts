import type { Browser } from 'playwright-core'
import type { Test } from 'tap'
import { onPath } from './on-path.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']

/** What to do if there is no browser. */
export const noBrowser = 'there is no Chromium on PATH; install it (Debian: apt-get install chromium)'

/** The browser of the machine; undefined if it has none. */
export const browserPath = (env?: NodeJS.ProcessEnv): string | undefined => onPath(names, env)

/** A real browser, until the end of the test. */
export async function openBrowser(t: Test, executablePath: string): Promise<Browser> {
  // As root, Chromium has no sandbox of its own. It shows nothing but pages of this test.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const { chromium } = await import('playwright-core')
  const browser = await chromium.launch({ executablePath, args, timeout: 120_000 })
  t.teardown(() => browser.close())
  return browser
}
