/** For tests: a poller with a registry in memory and time that is stepped. */
import type { Test } from 'tap'
import type { Digest } from '../../../images/digest.ts'
import { digestOf } from '../../../images/digest.ts'
import type { Repository } from '../../../images/reference.ts'
import { type Access, anonymous, type Registry } from '../../../registries/registry.ts'
import { SteppedTime } from '../../../time/testing/stepped-time.ts'
import type { Target } from '../../following.ts'
import type { Versions } from '../../versions/version.ts'
import { Poller } from '../poller.ts'
import type { PollerOptions } from '../poller-options.ts'

export const digests = (name: string): Digest => digestOf(Buffer.from(name))

/** A registry in memory: what its tags point at, what it was asked and when, and what it should fail with. */
export class Shelf implements Registry {
  readonly kind = 'shelf'
  readonly asked: { readonly tag: string; readonly at: number; readonly known: Digest | undefined }[] = []
  readonly #time: SteppedTime
  content = (_tag: string): Digest => digests('one')
  fault: ((tag: string, access: Access) => Error | Promise<never> | undefined) | undefined

  constructor(time: SteppedTime) {
    this.#time = time
  }

  async resolve(_: Repository, tag: string, access: Access, known?: Digest): Promise<Digest> {
    this.asked.push({ tag, at: this.#time.now(), known })
    const fault = await this.fault?.(tag, access)
    if (fault !== undefined) throw fault
    return this.content(tag)
  }

  async *tags(): AsyncIterable<readonly string[]> {
    yield []
  }

  async labels() {
    return {}
  }

  tag(): never {
    throw new Error('nobody tags here')
  }

  untag(): never {
    throw new Error('nobody untags here')
  }
}

export function polling(t: Pick<Test, 'teardown'>, options: Partial<PollerOptions> = {}) {
  const time = new SteppedTime()
  const registry = new Shelf(time)
  const changes: string[] = []
  const searched: string[] = []
  const readAhead: { readonly digest: Digest; readonly likely: readonly string[] }[] = []
  const coming: string[] = []
  const versions: Versions = {
    readAhead: ({ digest }, likely) => {
      readAhead.push({ digest, likely })
      return { digest }
    },
    find: async ({ digest, versionSyntax }) => {
      searched.push(versionSyntax)
      return { digest, name: `${versionSyntax} ${digest.slice(7, 10)}`, source: 'alias' }
    },
  }
  const poller = new Poller({
    registryFor: () => registry,
    versions,
    onChange: (key) => changes.push(key),
    onComing: (key) => coming.push(key),
    clock: time,
    alarm: time.alarm,
    ...options,
  })
  t.teardown(() => poller.stop())
  return { time, registry, changes, coming, searched, readAhead, poller, asked: registry.asked }
}

export const target = (more: Partial<Extract<Target, { tag: string }>> = {}): Target => ({
  repository: { host: 'registry.example.com', path: 'shop/web' },
  tag: 'env-prod',
  credentials: anonymous,
  versionSyntax: '.*',
  intervalSeconds: 60,
  ...more,
})
