/**
 * `make tools`: downloads the programs that tests and demo run on from the release pages of their projects, and builds those
 * that cannot be had there, once for each user and version. With the argument `demo`, leaves out what only the tests need.
 * CVMANAGER_TOOLS and XDG_CACHE_HOME say where to put them. KUBEBUILDER_ASSETS and CVMANAGER_TOOLS_FROM_PATH name programs that
 * are there already; CVMANAGER_TOOLS_RELEASES names a mirror of the release pages, or `none` to build everything.
 */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { browserPath, noBrowser } from '../harness/browser.ts'
import { noPromtool, onPath } from '../harness/on-path.ts'
import { downloader } from './download.ts'
import { go } from './go.ts'
import { buildMoto } from './install-moto.ts'
import { locate } from './locate.ts'
import { withLock } from './lock.ts'
import {
  builtName,
  linkerFlags,
  moduleDirectory,
  type ProgramName,
  programNames,
  programs,
  toolsDirectory,
} from './programs.ts'
import { formatDuration, showProgress } from './progress.ts'
import { missingRequirements } from './requirements.ts'
import { removeAbandoned, stagingOf } from './staging.ts'

const say = (line: string) => process.stdout.write(`${line}\n`)
const missingPrograms = () => programNames.filter((name) => !locate(name))

const isForDemo = process.argv[2] === 'demo'
process.exitCode = (await addPrograms()) || (isForDemo ? 0 : await addMoto())
if (!isForDemo) {
  if (browserPath() === undefined) say(`Without a browser, the tests of the pages are skipped: ${noBrowser}`)
  if (onPath(['promtool']) === undefined) say(`Without promtool, the test of the alert rules is skipped: ${noPromtool}`)
}

async function addMoto(): Promise<number> {
  const fault = await buildMoto(say)
  if (fault === undefined) return 0
  process.stderr.write(`make tools: ${fault}\n`)
  return 1
}

async function addPrograms(): Promise<number> {
  const target = toolsDirectory()
  if (missingPrograms().length === 0) return ready(target)

  const download = downloader()
  if (!download && cannotBuild()) return 1
  const waiting = (holder: number) => say(`Another build (process ${holder}) is running; waiting for it.`)
  return withLock(`${target}.lock`, waiting, () => downloadOrBuild(target, download))
}

/** Says what a build lacks. */
function cannotBuild(): boolean {
  const missing = missingRequirements()
  for (const line of missing) process.stderr.write(`make tools: ${line}\n`)
  return missing.length > 0
}

function ready(target: string): number {
  const own = programNames.flatMap((name) => {
    const located = locate(name)
    return located && located.from !== 'cache' ? [`${name} from ${located.from}`] : []
  })
  say(`Test tools are ready in ${target}${own.length > 0 ? ` (${own.join(', ')})` : ''}`)
  return 0
}

async function downloadOrBuild(target: string, download: ReturnType<typeof downloader>): Promise<number> {
  const wanted = missingPrograms()
  if (wanted.length === 0) return ready(target)

  mkdirSync(target, { recursive: true })
  removeAbandoned(target)
  const staging = stagingOf(target)
  mkdirSync(staging)
  const abandon = (signal: NodeJS.Signals) => {
    rmSync(staging, { recursive: true, force: true })
    rmSync(`${target}.lock`, { force: true })
    process.kill(process.pid, signal)
  }
  process.once('SIGINT', abandon).once('SIGTERM', abandon)
  const keep = (name: ProgramName, file: string) => renameSync(join(staging, file), join(target, name))
  try {
    if (download) {
      say(`Downloading ${wanted.join(', ')} from the release pages of their projects`)
      say(`into ${target}. Later checkouts share them.`)
      const { names, problems } = await download(wanted, staging, say)
      for (const name of names) keep(name, name)
      for (const problem of problems) say(`Not downloaded: ${problem}`)
    }
    const left = missingPrograms()
    if (left.length === 0) return ready(target)
    if (cannotBuild()) return 1

    say(`Building ${left.join(', ')} from the sources`)
    say(`into ${target}. The first time takes five to ten minutes on two cores; later checkouts share the result.`)
    const started = Date.now()
    await install(left, staging)
    for (const name of left) keep(name, builtName(name))
    say(`Built in ${formatDuration(Date.now() - started)}.`)
    return ready(target)
  } catch (error) {
    process.stderr.write(`make tools: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

async function install(wanted: readonly ProgramName[], staging: string): Promise<void> {
  const packages = wanted.map((name) => programs[name])
  let downloaded = 0
  const downloading = showProgress(() => `${downloaded} modules downloaded`)
  const all = await go(['list', '-deps', ...packages], {
    ...{ module: moduleDirectory, bin: staging },
    onErrorLine: (line) => void (line.startsWith('go: downloading') && downloaded++),
  }).finally(downloading.stop)

  let compiled = 0
  const building = showProgress(() => {
    const present = new Set(readdirSync(staging))
    const done = wanted.filter((name) => present.has(builtName(name)))
    const names = done.length > 0 ? ` (${done.join(', ')})` : ''
    return `${compiled} of at most ${all.length} packages compiled, ${done.length} of ${wanted.length} programs done${names}`
  })
  await go(['install', '-v', '-ldflags', linkerFlags, ...packages], {
    ...{ module: moduleDirectory, bin: staging },
    onErrorLine: (line) => void (!line.startsWith('go: ') && compiled++),
  }).finally(building.stop)
}
