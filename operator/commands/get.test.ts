import { test } from 'tap'
import type { ContainerVersionStatus } from '../api/status.ts'
import { digestOf, shortDigest } from '../images/digest.ts'
import { ApiError } from '../kubernetes/api-error.ts'
import type { ApiClient } from '../kubernetes/client.ts'
import { getVersions } from './get.ts'

const imageRepo = 'registry.example.com/shop/web'
const [one, two] = ['one', 'two'].map((content) => digestOf(Buffer.from(content)))
const current = { digest: `${one}`, version: '1a2b3c4', image: `${imageRepo}:1a2b3c4@${one}`, since: '' }

/** What `cv get` shows of a Deployment with this image, and of a ContainerVersion with this status. */
async function shown(image: string, status: ContainerVersionStatus) {
  const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', labels: { app: 'web' } }
  const spec = { imageRepo, tag: 'env-prod', selector: { app: 'web' } }
  const template = { spec: { containers: [{ name: 'main', image }] } }
  const answers: Readonly<Record<string, unknown>> = {
    containerversions: { metadata, spec, status },
    deployments: { metadata, spec: { selector: {}, template }, status: { availableReplicas: 2 } },
  }
  const get = async (path: string) => {
    const found = answers[path.split('/').at(-1) ?? '']
    return { metadata: {}, items: found ? [found] : [] }
  }
  const [version] = await getVersions({ get } as unknown as ApiClient, {
    namespace: undefined,
    own: 'default',
    warn: () => undefined,
  })
  return version
}

test('an adopted workload has the version that kubectl shows, however its image is written', async (t) => {
  const status = { phase: 'UpToDate' as const, current }
  for (const image of [`${imageRepo}@${one}`, `${imageRepo}:env-prod`, imageRepo, `${imageRepo}:v1`, current.image])
    t.match(await shown(image, status), { Version: '1a2b3c4', Digest: one }, image)
})

test('while the tag has moved on and the new version is held, the old one is what runs', async (t) => {
  const observed = {
    tag: 'env-prod',
    digest: `${two}`,
    version: '5d5d5d5',
    source: 'alias' as const,
    firstSeenTime: '',
  }
  const status = { phase: 'Stalled' as const, current, observed }
  t.match(await shown(`${imageRepo}:env-prod`, status), { Version: '1a2b3c4', Digest: one })
  t.match(await shown(`${imageRepo}@${one}`, status), { Version: '1a2b3c4' })
  t.match(await shown(`${imageRepo}@${two}`, status), { Version: '5d5d5d5' }, 'one workload has it already')
})

test('what the status does not know is named as the workload names it', async (t) => {
  const status = { phase: 'Stalled' as const, current }
  t.match(await shown(`${imageRepo}:v0.9`, status), { Version: 'v0.9', Digest: undefined })
  t.match(await shown(`${imageRepo}:v0.9@${two}`, status), { Version: 'v0.9', Digest: two })
  t.match(await shown(`${imageRepo}@${two}`, status), { Version: two, Digest: two })
  t.match(await shown(imageRepo, {}), { Version: 'latest' })
})

test('a version without a name is the whole digest for programs', async (t) => {
  const status = { phase: 'UpToDate' as const, current: { ...current, version: shortDigest(current.digest) } }
  for (const image of [`${imageRepo}@${one}`, `${imageRepo}:env-prod`])
    t.match(await shown(image, status), { Version: one }, image)
})

test('where the account may not list all namespaces, that of the context is shown; what else is refused is left out', async (t) => {
  const metadata = { name: 'web', namespace: 'shop', uid: 'u', resourceVersion: '1', labels: { app: 'web' } }
  const template = { spec: { containers: [{ name: 'main', image: current.image }] } }
  const answers: Readonly<Record<string, unknown>> = {
    containerversions: { metadata, spec: { imageRepo, tag: 'env-prod', selector: { app: 'web' } } },
    deployments: { metadata, spec: { selector: {}, template } },
  }
  const asJane = (mayList: (resource: string, namespace: string | undefined) => boolean) => ({
    get: async (path: string) => {
      const resource = path.split('/').at(-1) ?? ''
      const namespace = /namespaces\/(\w+)/.exec(path)?.[1]
      const right = { who: 'jane', verb: 'list', group: '', resource, namespace }
      if (!mayList(resource, namespace))
        throw new ApiError(403, 'Forbidden', `${resource} in ${namespace}`, [], undefined, right)
      return { metadata: {}, items: answers[resource] ? [answers[resource]] : [] }
    },
  })
  const shown = async (mayList: (resource: string, namespace: string | undefined) => boolean, namespace?: string) => {
    const warnings: string[] = []
    const request = { namespace, own: 'shop', warn: (message: string) => void warnings.push(message) }
    const versions = await getVersions(asJane(mayList) as unknown as ApiClient, request)
    return [versions.map(({ Name }) => Name), warnings]
  }
  const only = 'only namespace shop is shown: the user jane may not list containerversions in all namespaces'
  t.same(await shown((_, namespace) => namespace === 'shop'), [['web'], [only]])
  const leftOut = 'left out: the user jane may not list cronjobs in namespace shop'
  t.same(await shown((resource) => resource !== 'cronjobs', 'shop'), [['web'], [leftOut]])
  await t.rejects(
    shown(() => false),
    { message: 'containerversions in undefined' },
  )
  await t.rejects(
    shown((resource) => resource === 'containerversions'),
    { message: 'deployments in undefined' },
  )
})
