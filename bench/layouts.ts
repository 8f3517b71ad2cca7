import type { SeenRequest } from '../e2e/harness/registry-proxy.ts'

/** A tag, and the ContainerVersion and the Deployment by whose name it is followed. */
export interface Target {
  readonly name: string
  /** Within the registry. */
  readonly repository: string
  readonly tag: string
}

/** What the ContainerVersion of this index follows. */
export type Layout = (index: number) => Target

const nameOf = (index: number): string => `app-${String(index).padStart(4, '0')}`
// All tags that are followed begin like this, and no version does.
const followedTag = 'env-prod'
const shared = 'bench/shared'

export const ownRepositories: Layout = (index) => ({
  name: nameOf(index),
  repository: `bench/${nameOf(index)}`,
  tag: followedTag,
})

export const oneTag: Layout = (index) => ({ name: nameOf(index), repository: shared, tag: followedTag })

export const oneRepository: Layout = (index) => ({ name: nameOf(index), repository: shared, tag: `env-${index}` })

/** One poll of a followed tag, as opposed to the search for its version. */
export const isPoll = ({ method, path }: SeenRequest): boolean =>
  method === 'HEAD' && /\/manifests\/env-[^/]+$/.test(path)

export const pollPathOf = ({ repository, tag }: Target): string => `/v2/${repository}/manifests/${tag}`
