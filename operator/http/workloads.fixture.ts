/** Answers about workloads, from objects as the API server lists them, and nothing else. */
import { listManaged } from '../commands/get.ts'
import type { AccessReviews } from '../kubernetes/access-reviews.ts'
import type { ApiClient } from '../kubernetes/client.ts'
import { anyone, authenticated } from './readers.ts'
import type { WorkloadSource } from './workload-routes.ts'

export interface Shown {
  readonly namespace?: string
  readonly name: string
  readonly image?: string
  readonly container?: string
  readonly tag?: string
  readonly history?: { readonly name: string }
}

export const imageRepo = 'registry.example.com/shop/web'

/** A Deployment for each, and a ContainerVersion of the name `<name>-cv` that follows a tag for it. */
export function managedOf(all: readonly Shown[]) {
  const lists: Readonly<Record<string, readonly object[]>> = {
    containerversions: all.map(({ namespace = 'shop', name, container = 'main', tag = 'env-prod', history }) => ({
      metadata: { namespace, name: `${name}-cv`, uid: name, resourceVersion: '1' },
      spec: { imageRepo, tag, history, selector: { app: name }, container: { name: container } },
    })),
    deployments: all.map(({ namespace = 'shop', name, container = 'main', image = `${imageRepo}:1a2b3c4` }) => ({
      metadata: { namespace, name, uid: name, resourceVersion: '1', labels: { app: name } },
      spec: { selector: {}, template: { spec: { containers: [{ name: container, image }] } } },
      status: { availableReplicas: 2 },
    })),
  }
  const get = async (path: string) => ({ metadata: {}, items: lists[path.split('/').at(-1) ?? ''] ?? [] })
  return listManaged({ get } as unknown as ApiClient, [undefined])
}

/** Anyone reads everything, unless this says otherwise. */
export const sourceOf = (all: readonly Shown[], other: Partial<WorkloadSource> = {}): WorkloadSource => ({
  readerOf: anyone,
  watches: () => true,
  managed: () => managedOf(all),
  history: async () => '',
  ...other,
})

/** Accounts by their tokens, and the namespaces that each may list; `*` is all of them. */
export function accounts(rights: Readonly<Record<string, readonly string[]>>) {
  const questions: string[] = []
  const reviews: Pick<AccessReviews, 'userOf' | 'mayList'> = {
    userOf: async (token) => (rights[token] ? { username: token } : undefined),
    mayList: async ({ username }, namespace = '*') => {
      questions.push(`${username} ${namespace}`)
      return rights[username]?.includes(namespace) ?? false
    },
  }
  return { readerOf: authenticated(reviews), questions }
}
