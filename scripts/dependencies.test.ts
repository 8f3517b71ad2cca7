import { readFileSync } from 'node:fs'
import { test } from 'tap'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

test('S9 every production package has its row in docs/dependencies.md, and no other package has one', async (t) => {
  const [, table = ''] = read('docs/dependencies.md').split(/^\| package \|.*$/m)
  const [rows = ''] = table.split(/\n\n/)
  const described = [...rows.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name)
  t.same(described.sort(), Object.keys(JSON.parse(read('package.json')).dependencies).sort())
})

test('S9 no production package runs a script when it is installed', async (t) => {
  const packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }> = JSON.parse(
    read('package-lock.json'),
  ).packages
  const production = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev)
  t.ok(production.length > 50, `${production.length} packages`)
  t.same(
    production.flatMap(([path, { hasInstallScript }]) => (hasInstallScript ? [path] : [])),
    [],
  )
})
