/** Downloads programs from the release pages of their projects, and keeps only what has the published checksum. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { chmod, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { EnvHttpProxyAgent, fetch } from 'undici'
import type { ProgramName } from './programs.ts'
import { formatDuration, showProgress } from './progress.ts'
import { checksumIn, mirrorOf, platformOf, type Release, releaseOf } from './releases.ts'

const MIB = 1024 ** 2
/** Without a network, whoever waits learns it by then. */
const maxChecksumMs = 10_000
const maxSilenceMs = 20_000
/** A build from the sources takes no longer. */
const maxDownloadMs = 600_000

export interface Downloaded {
  readonly names: readonly ProgramName[]
  /** One line for each cause, with the programs that were not downloaded because of it. */
  readonly problems: readonly string[]
}

/** @returns undefined if there is nothing to download for this machine, or CVMANAGER_TOOLS_RELEASES says so */
export function downloader(env: NodeJS.ProcessEnv = process.env) {
  const addressOf = mirrorOf(env)
  const platform = platformOf(process.platform, process.arch)
  if (!addressOf || !platform) return undefined
  return (wanted: readonly ProgramName[], directory: string, say: (line: string) => void): Promise<Downloaded> =>
    downloadAll(wanted, directory, say, (name) => {
      const { url, checksums, ...rest } = releaseOf(name, platform)
      return { url: addressOf(url), checksums: addressOf(checksums), ...rest }
    })
}

async function downloadAll(
  wanted: readonly ProgramName[],
  directory: string,
  say: (line: string) => void,
  find: (name: ProgramName) => Release,
): Promise<Downloaded> {
  const agent = new EnvHttpProxyAgent({ headersTimeout: maxSilenceMs, bodyTimeout: maxSilenceMs })
  const began = Date.now()
  const names: ProgramName[] = []
  const problems = new Map<string, ProgramName[]>()
  let bytes = 0
  const progress = showProgress(
    () => `${Math.round(bytes / MIB)} MiB downloaded, ${names.length} of ${wanted.length} programs done`,
  )
  const download = async (name: ProgramName) => {
    const release = find(name)
    try {
      await downloadOne(name, release, directory, agent, (length) => {
        bytes += length
      })
      names.push(name)
    } catch (error) {
      const problem = `${new URL(release.url).host}: ${causeOf(error)}`
      problems.set(problem, [...(problems.get(problem) ?? []), name])
    }
  }
  await Promise.all(wanted.map(download)).finally(progress.stop)
  await agent.destroy()
  if (names.length > 0) {
    const elapsed = formatDuration(Date.now() - began)
    say(
      `Downloaded ${names.join(', ')} (${Math.round(bytes / MIB)} MiB) in ${elapsed}, each with its published checksum.`,
    )
  }
  return { names, problems: [...problems].map(([problem, of]) => `${problem} (${of.join(', ')})`) }
}

async function downloadOne(
  name: ProgramName,
  { url, member, checksums }: Release,
  directory: string,
  dispatcher: EnvHttpProxyAgent,
  onBytes: (length: number) => void,
): Promise<void> {
  const file = basename(url)
  const published = checksumIn(await (await answer(checksums, maxChecksumMs, dispatcher)).text(), file)
  if (published === undefined) throw new Error(`${checksums} has no SHA-256 checksum of ${file}`)

  const { body } = await answer(url, maxDownloadMs, dispatcher)
  const hash = createHash('sha256')
  const counted = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk)
      onBytes(chunk.length)
      done(null, chunk)
    },
  })
  const path = join(directory, `${name}.part`)
  try {
    await pipeline(body ?? [], counted, createWriteStream(path))
    const actual = hash.digest('hex')
    if (actual !== published) throw new Error(`${url} has the checksum ${actual}, and ${checksums} says ${published}`)
    if (member !== undefined) await extract(path, member, directory)
    await chmod(member === undefined ? path : join(directory, member), 0o755)
    await rename(member === undefined ? path : join(directory, member), join(directory, name))
  } finally {
    await rm(path, { force: true })
  }
}

async function answer(url: string, timeoutMs: number, dispatcher: EnvHttpProxyAgent) {
  const response = await fetch(url, { dispatcher, signal: AbortSignal.timeout(timeoutMs) })
  if (response.ok) return response
  await response.body?.cancel()
  throw new Error(`${url} answers ${response.status}`)
}

async function extract(archive: string, member: string, directory: string): Promise<void> {
  await promisify(execFile)('tar', ['-xzf', archive, '-C', directory, member])
}

/** fetch hides the reason in `cause`. */
function causeOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? causeOf(cause) : message
}
