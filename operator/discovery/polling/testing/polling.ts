/** For tests: a poller with an in-memory registry and stepped time. */
import type { Test } from 'tap'
import type { Digest } from '../../../images/digest.ts'
import { digestOf } from '../../../images/digest.ts'
import type { Repository } from '../../../images/reference.ts'
import { type Access, anonymous, type Described, type Registry } from '../../../registries/registry.ts'
import { defaultLimits, type Limits } from '../../../registries/transport/host-queue.ts'
import { HostQueues } from '../../../registries/transport/host-queues.ts'
import { SteppedTime } from '../../../time/testing/stepped-time.ts'
import type { Target } from '../../target.ts'
import type { Versions } from '../../versions/version.ts'
import { Poller, type PollerOptions } from '../poller.ts'

export const digests = (name: string): Digest => digestOf(Buffer.from(name))

/** An in-memory registry. It records the requests, and fails as the test says. */
export class Shelf implements Registry {
  readonly kind = 'shelf'
  readonly requests: { readonly tag: string; readonly at: number; readonly known: Digest | undefined }[] = []
  readonly #time: SteppedTime
  content = (_tag: string): Digest => digests('one')
  fault: ((tag: string, access: Access) => Error | Promise<never> | undefined) | undefined

  constructor(time: SteppedTime) {
    this.#time = time
  }

  async resolve(_: Repository, tag: string, access: Access, known?: Digest): Promise<Digest> {
    this.requests.push({ tag, at: this.#time.now(), known })
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

  async describe(): Promise<Described> {
    return { mediaType: undefined, platforms: [] }
  }

  tag(): never {
    throw new Error('nobody tags here')
  }

  untag(): never {
    throw new Error('nobody untags here')
  }
}

export function polling(
  t: Pick<Test, 'teardown'>,
  { limits = defaultLimits, ...options }: Partial<PollerOptions> & { readonly limits?: Limits } = {},
) {
  const time = new SteppedTime()
  const registry = new Shelf(time)
  const changes: string[] = []
  const searched: string[] = []
  const versions: Versions = {
    find: async ({ digest, versionSyntax }) => {
      searched.push(versionSyntax)
      return { digest, name: `${versionSyntax} ${digest.slice(7, 10)}`, source: 'alias' }
    },
  }
  const poller = new Poller({
    registryFor: () => registry,
    versions,
    onChange: (key) => changes.push(key),
    queues: new HostQueues(limits, time, time.alarm),
    clock: time,
    alarm: time.alarm,
    ...options,
  })
  t.teardown(() => poller.stop())
  return { time, registry, changes, searched, poller, requests: registry.requests }
}

export const target = (more: Partial<Extract<Target, { tag: string }>> = {}): Target => ({
  repository: { host: 'registry.example.com', path: 'shop/web' },
  tag: 'env-prod',
  credentials: anonymous,
  versionSyntax: '.*',
  intervalSeconds: 60,
  ...more,
})
