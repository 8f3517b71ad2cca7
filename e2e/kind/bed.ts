import { join } from 'node:path'
import type { Test } from 'tap'
import type { Publisher } from '../demo/publisher.ts'
import type { KindCluster } from './cluster.ts'

/** What the tests share. */
export interface Bed {
  readonly cluster: KindCluster
  readonly publisher: Publisher
  /** The variables that this machine gives to `make image` and `make deploy`. */
  readonly make: Readonly<Record<string, string>>
  readonly say: (line: string) => void
}

export interface KindTest {
  readonly name: string
  readonly run: (t: Test, bed: Bed) => Promise<void>
}

export const checkout = join(import.meta.dirname, '..', '..')

/** Runs `make <target>` as a user does, and returns its output. */
export function runMake(
  { cluster, make }: Bed,
  target: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return cluster.run('make', ['--no-print-directory', target], { directory: checkout, env: { ...make, ...env } })
}
