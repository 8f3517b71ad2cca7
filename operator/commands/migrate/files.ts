/** Reads manifests as `kubectl -f` does: files, folders, standard input. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { unreadable } from '../../config/unreadable.ts'
import { UsageError } from '../../errors.ts'
import type { Manifest } from './documents.ts'

const extension = /\.(ya?ml|json)$/

/**
 * @param paths `-` is standard input
 * @param recursive whether also to read the folders in a folder
 * @throws UsageError
 */
export async function readManifests(
  paths: readonly string[],
  recursive: boolean,
  stdin: AsyncIterable<Uint8Array | string>,
): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = []
  for (const path of paths) {
    if (path === '-') manifests.push({ name: 'standard input', text: await text(stdin) })
    else for (const name of await filesAt(path, recursive)) manifests.push({ name, text: await readText(name) })
  }
  return manifests
}

async function filesAt(path: string, recursive: boolean): Promise<readonly string[]> {
  const isFolder = await stat(path).then((found) => found.isDirectory(), refuse(path))
  if (!isFolder) return [path]
  const names = (await readdir(path, { recursive }).catch(refuse(path))).filter((name) => extension.test(name)).sort()
  if (names.length === 0) throw new UsageError(`--filename: ${path} has no file that ends in .yaml, .yml or .json`)
  return names.map((name) => join(path, name))
}

const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(refuse(path))

const refuse =
  (path: string) =>
  (thrown: unknown): never => {
    throw new UsageError(`--filename: ${unreadable(path, thrown)}`)
  }
