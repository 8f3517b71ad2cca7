/** The folder with one secret file for each kind of webhook, such as a Secret that is mounted: a file makes its receiver. */
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { nearest } from '../../config/nearest.ts'
import { messageOf, UsageError } from '../../errors.ts'
import type { Receiver, ReceiverDeps, ReceiverKind } from './receivers/receiver.ts'

const largestFile = 16_384
/** A secret that was changed holds, and one that was taken away is refused, after this time at the latest. */
const reloadMs = 10_000

const setting = '--webhook-secrets-dir'

/**
 * @param wanted the kinds of `--webhook`; empty: all that have a file
 * @throws UsageError that names the setting, for a folder or a secret that cannot be used
 */
export async function readSecretFiles(
  directory: string,
  wanted: readonly string[],
  kinds: Readonly<Record<string, ReceiverKind>>,
  deps: ReceiverDeps,
): Promise<ReadonlyMap<string, SecretFile>> {
  const known = Object.keys(kinds)
  if (directory === '') throw new UsageError(`${setting} is missing: without their secrets, no webhooks are received`)
  const names = await readdir(directory).catch((cause: unknown) => {
    throw new UsageError(`${setting} ${directory}: the folder cannot be read (${messageOf(cause)})`, { cause })
  })
  // Kubernetes keeps its own `..data` and `..2026_…` in the folder of a mounted Secret.
  const files = names.filter((name) => !name.startsWith('.'))
  for (const name of files) {
    if (known.includes(name)) continue
    const meant = nearest(name, known)
    const remedy = meant === undefined ? `there are ${known.join(', ')}` : `did you mean ${meant}?`
    throw new UsageError(`${setting} ${directory}: ${name} is no kind of webhook; ${remedy}`)
  }
  for (const kind of wanted) {
    if (files.includes(kind)) continue
    throw new UsageError(`--webhook ${kind}: there is no file ${kind} with its secret in ${setting} ${directory}`)
  }
  const made = new Map<string, SecretFile>()
  for (const [name, kind] of Object.entries(kinds)) {
    if (!files.includes(name) || (wanted.length > 0 && !wanted.includes(name))) continue
    const file = new SecretFile(join(directory, name), kind, deps)
    await file.load().catch((cause: unknown) => {
      throw new UsageError(`${setting}: the secret file ${file.path} cannot be used: ${messageOf(cause)}`, { cause })
    })
    made.set(name, file)
  }
  if (made.size === 0) {
    throw new UsageError(
      `${setting} ${directory}: there is no secret file in it; name one after each kind of webhook: ${known.join(', ')}`,
    )
  }
  return made
}

export class SecretFile {
  readonly path: string
  readonly #kind: ReceiverKind
  readonly #deps: ReceiverDeps
  #text: string | undefined
  #receiver: Receiver | undefined
  #readAt = 0

  constructor(path: string, kind: ReceiverKind, deps: ReceiverDeps) {
    this.path = path
    this.#kind = kind
    this.#deps = deps
  }

  /** @throws Error that says why the file cannot be used, without its content */
  async receiver(): Promise<Receiver> {
    const age = this.#deps.now() - this.#readAt
    if (this.#receiver !== undefined && age >= 0 && age < reloadMs) return this.#receiver
    return await this.load()
  }

  async load(): Promise<Receiver> {
    try {
      const text = await read(this.path)
      if (this.#receiver === undefined || text !== this.#text) this.#receiver = this.#kind.make(text, this.#deps)
      this.#text = text
      this.#readAt = this.#deps.now()
      return this.#receiver
    } catch (error) {
      this.#receiver = undefined
      throw error
    }
  }
}

async function read(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(largestFile + 1), 0, largestFile + 1)
    if (bytesRead > largestFile) throw new Error(`it has more than ${largestFile} bytes`)
    return buffer.subarray(0, bytesRead).toString()
  } finally {
    await file.close()
  }
}
