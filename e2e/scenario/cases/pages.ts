import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'
import { browserPath, noBrowser, openBrowser } from '../../harness/browser.ts'
import { prefixProxy } from '../../harness/prefix-proxy.ts'
import type { Bed } from '../bed.ts'
import { v1, v2 } from '../builds.ts'
import type { Operator } from '../operator.ts'
import { scenario } from '../scenario.ts'

const screenshots = join(import.meta.dirname, '../../../.tap/screenshots')
const list = '/v1/cv/workloads'
/** A history as a person could write it. */
const hostile = `<script>document.title = 'run'</script><img src=x onerror="document.title = 'run'">&amp;`

const addScript = `{
  const script = document.createElement('script')
  script.textContent = "document.title = 'run'"
  document.body.append(script)
}`

/** The pages, as people see them where a setting lets anyone read; and the same from a replica that stands by. */
export async function pages(t: Test, bed: Bed, leader: Operator): Promise<void> {
  const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })
  await world.ciMoves('env-prod', v2)
  await world.runs(v2)
  await world.waitsFor('the history', async () => (await world.history('web').catch(() => undefined)) !== undefined)
  const history = `${list}/web?namespace=${world.namespace}`
  const get = (operator: Operator, path: string) => fetch(`http://127.0.0.1:${operator.port}${path}`)

  await t.test('without authentication, the old clients read as before', async (t) => {
    const rows = await (await get(leader, `${list}?namespace=${world.namespace}`)).json()
    const [web] = rows as readonly object[]
    t.same(Object.keys(web ?? {}), ['Namespace', 'Name', 'Type', 'Container', 'Version', 'AvailablePods', 'CV', 'Tag'])
    t.match(web, { Namespace: world.namespace, Name: 'web', Type: 'Deployment', Version: v2.name, CV: 'web-cv' })
    const text = await (await get(leader, history)).text()
    t.match(text, /^Update occurred at:20\d\d-.* \+0000 UTC:\nWorkload:web to version:2222222\n$/)
    const none = await get(leader, `${list}/nothing`)
    t.same([none.status, await none.text()], [200, ''])
  })

  await t.test('a replica that stands by answers the same', async (t) => {
    const standby = await bed.operator({ name: 'standby', flags: ['--anonymous-reads'] })
    await standby.stands()
    t.notOk(await standby.leads())
    for (const path of [list, `${list}?format=html`, history]) {
      const [one, other] = await Promise.all([leader, standby].map(async (which) => (await get(which, path)).text()))
      t.equal(other, one, path)
    }
    await standby.stop('SIGTERM')
  })

  const executable = browserPath()
  await t.test('S6 in a browser', { skip: executable === undefined && noBrowser }, async (t) => {
    const browser = await openBrowser(t, executable ?? '')
    const page = await browser.newPage({ viewport: { width: 1100, height: 500 } })
    const complaints = listen(page)
    const base = await prefixProxy(t, leader.port, '/team/tools')
    await mkdir(screenshots, { recursive: true })

    await page.goto(`${base}${list}?format=html`)
    t.equal(await page.title(), 'CVManager: Version list')
    t.same(await page.locator('th').allInnerTexts(), [
      ...['Namespace', 'Name', 'Type', 'Container', 'Version', 'Available pods/Status'],
    ])
    const row = page.locator('tr', { hasText: world.namespace })
    t.match(await row.locator('td').allInnerTexts(), [world.namespace, 'web', 'Deployment', 'main', v2.name, /^\d$/])
    t.equal(await page.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse"), 'collapse')
    await page.screenshot({ path: join(screenshots, 'workloads.png') })

    await row.getByRole('link', { name: 'web' }).click()
    t.equal(page.url(), `${base}${history}&format=html`, 'the link goes on behind the prefix')
    t.match(await page.locator('pre').innerText(), 'Workload:web to version:2222222')
    await page.screenshot({ path: join(screenshots, 'history.png') })
    await page.getByRole('link', { name: 'All workloads' }).click()
    t.equal(page.url(), `${base}${list}?format=html`)
    t.same(complaints.splice(0), [], 'the policy lets the style through, and nothing else is asked for')

    const data = { Info: hostile }
    await world.makes({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'hostile.history' }, data })
    await page.goto(`${base}${list}/hostile?namespace=${world.namespace}&format=html`)
    t.equal(await page.locator('pre').innerText(), hostile)
    t.equal(await page.title(), 'CVManager: History of hostile', 'no script has run')
    t.same(complaints.splice(0), [])
    // A page that did contain a script would not run it either.
    await page.evaluate(addScript)
    t.equal(await page.title(), 'CVManager: History of hostile')
    t.match(complaints.join(), /Content Security Policy/)
  })
}

/** What a browser complains about, and what it asks other hosts or for other things than pages. */
function listen(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => {
    // Every browser asks for it by itself.
    if (!request.isNavigationRequest() && !request.url().endsWith('/favicon.ico')) complaints.push(request.url())
  })
  return complaints
}
