/** Files that are made of the sources and checked in: `make generate` writes them, `--check` says which are out of date. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { crd } from '../operator/api/crd.ts'
import { settingsPage } from './settings-page.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** By path; to add one, add a line. */
const generated: Readonly<Record<string, () => string>> = {
  'crds/cvmanager.io_containerversions.yaml': () =>
    `# Made by \`make generate\` from operator/api; do not edit.\n${stringify(crd, { lineWidth: 0, aliasDuplicateObjects: false })}`,
  'docs/settings.md': settingsPage,
}

/** The paths whose file is not what the sources say. */
export function outOfDate(): readonly string[] {
  return Object.entries(generated).flatMap(([path, text]) => (read(path) === text() ? [] : [path]))
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

function write(path: string): void {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, generated[path]?.() ?? '')
  process.stdout.write(`${path} is written\n`)
}

if (import.meta.main) {
  const paths = outOfDate()
  if (!process.argv.includes('--check')) for (const path of paths) write(path)
  else if (paths.length > 0) {
    process.stderr.write(`error: out of date: ${paths.join(', ')}; run make generate, and commit what it writes\n`)
    process.exitCode = 1
  }
}
