/** The key of `spec.config` names a version that runs. */
import { test } from 'tap'
import type { CurrentVersion, Phase } from '../../api/status.ts'
import { ApiError } from '../../kubernetes/api-error.ts'
import type { ApiClient } from '../../kubernetes/client.ts'
import { imageOf, object } from '../plan/plan.fixture.ts'
import { DeployedVersion } from './deployed-version.ts'

const since = '2026-01-02T03:04:05Z'
const one = (version: string): CurrentVersion => ({ version, image: imageOf(version), since })
const several = (...versions: readonly string[]): CurrentVersion => ({
  version: versions.join(', '),
  since,
  containers: versions.map((version, at) => ({
    workload: `Deployment/web-${at}`,
    container: 'web',
    version,
    image: imageOf(version),
  })),
})

function bench() {
  let data: Readonly<Record<string, string>> | undefined
  let requests = 0
  const client = {
    get: async () => {
      requests += 1
      if (!data) throw new ApiError(404, 'NotFound', 'no such ConfigMap')
      return { metadata: { resourceVersion: '1' }, data }
    },
    create: async (_: string, body: { data: typeof data }) => {
      data = body.data
    },
    mergePatch: async (_: string, body: { data: typeof data }) => {
      data = { ...data, ...body.data }
    },
  } as unknown as ApiClient
  const deployed = new DeployedVersion(client)
  const write = async (current: CurrentVersion | undefined, phase: Phase = 'UpToDate') => {
    const config = { name: 'web-version', key: 'version' }
    await deployed.write(object({ phase, ...(current ? { current } : {}) }, { config }))
    return data?.version
  }
  return { write, requests: () => requests }
}

test('the key follows what runs, in any phase, for one request each time that it changes', async (t) => {
  const { write, requests } = bench()
  t.equal(await write(one('v1.3.0')), 'v1.3.0')
  t.equal(await write(one('v1.1.0'), 'RolledBack'), 'v1.1.0')
  t.equal(await write(one('v1.1.0'), 'Stalled'), 'v1.1.0')
  t.equal(requests(), 2)
})

test('of several versions the key has one that runs: its own as long as it does', async (t) => {
  const { write } = bench()
  await write(one('v1.3.0'))
  t.equal(await write(several('v1.1.0', 'v1.3.0')), 'v1.3.0')
  t.equal(await write(several('v1.1.0', 'v1.0.0')), 'v1.1.0')
})

test('while there is no workload the key stays', async (t) => {
  const { write } = bench()
  await write(one('v1.3.0'))
  t.equal(await write(undefined, 'Stalled'), 'v1.3.0')
})
