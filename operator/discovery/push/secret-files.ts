/** The folder with one secret file for each kind of webhook, usually a mounted Secret. Each file makes a receiver. */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { nearest } from '../../config/nearest.ts'
import { messageOf, UsageError } from '../../errors.ts'
import type { Receiver, ReceiverDeps, ReceiverKind } from './receivers/receiver.ts'

const maxFileBytes = 16_384
/** After at most this long a changed secret is valid, and a deleted one is not. */
const reloadMs = 10_000

const setting = '--webhook-secrets-dir'

/**
 * Each function reads its file again when its last reading is too old.
 * It throws an Error that says why the file cannot be used, without its content.
 */
export type ReceiversByKind = ReadonlyMap<string, () => Promise<Receiver>>

/**
 * @param wanted the kinds of `--webhook`; empty: all that have a file
 * @throws UsageError that names the setting, for a folder or a secret that cannot be used
 */
export async function readSecretFiles(
  directory: string,
  wanted: readonly string[],
  kinds: Readonly<Record<string, ReceiverKind>>,
  deps: ReceiverDeps,
): Promise<ReceiversByKind> {
  const known = Object.keys(kinds)
  if (directory === '') throw new UsageError(`${setting} is missing: webhooks are not received without their secrets`)
  const names = await readdir(directory).catch((cause: unknown) => {
    throw new UsageError(`${setting} ${directory}: cannot read the folder (${messageOf(cause)})`, { cause })
  })
  // Kubernetes keeps its own `..data` and `..2026_…` in the folder of a mounted Secret.
  const files = names.filter((name) => !name.startsWith('.'))
  for (const name of files) {
    if (known.includes(name)) continue
    const meant = nearest(name, known)
    const remedy = meant === undefined ? `the kinds are ${known.join(', ')}` : `did you mean ${meant}?`
    throw new UsageError(`${setting} ${directory}: ${name} is not a kind of webhook; ${remedy}`)
  }
  for (const kind of wanted) {
    if (files.includes(kind)) continue
    throw new UsageError(`--webhook ${kind}: there is no secret file ${kind} in ${setting} ${directory}`)
  }
  const receivers = new Map<string, () => Promise<Receiver>>()
  for (const [name, kind] of Object.entries(kinds)) {
    if (!files.includes(name) || (wanted.length > 0 && !wanted.includes(name))) continue
    const path = join(directory, name)
    const receiver = secretFile(path, kind, deps)
    await receiver().catch((cause: unknown) => {
      throw new UsageError(`${setting}: cannot use the secret file ${path}: ${messageOf(cause)}`, { cause })
    })
    receivers.set(name, receiver)
  }
  if (receivers.size > 0) return receivers
  throw new UsageError(
    `${setting} ${directory}: the folder has no secret file; name one after each kind of webhook: ${known.join(', ')}`,
  )
}

function secretFile(path: string, kind: ReceiverKind, deps: ReceiverDeps): () => Promise<Receiver> {
  let loaded: { readonly receiver: Receiver; readonly atMs: number } | undefined
  return async () => {
    const ageMs = deps.now() - (loaded?.atMs ?? 0)
    if (loaded !== undefined && ageMs >= 0 && ageMs < reloadMs) return loaded.receiver
    loaded = undefined
    loaded = { receiver: kind(await read(path), deps), atMs: deps.now() }
    return loaded.receiver
  }
}

/** @throws Error */
async function read(path: string): Promise<string> {
  const bytes = await buffer(createReadStream(path, { end: maxFileBytes }))
  if (bytes.length > maxFileBytes) throw new Error(`it has more than ${maxFileBytes} bytes`)
  return bytes.toString()
}
