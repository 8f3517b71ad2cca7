/** Where the image of a check is looked up, and with which credentials. */
import t from 'tap'
import { motoEnvironment, startMoto } from '../../e2e/harness/moto.ts'
import { startRegistry } from '../../e2e/harness/registry.ts'
import { account } from '../../e2e/harness/token-server.ts'
import { loadSettings } from '../config/settings.ts'
import { ApiError } from '../kubernetes/api-error.ts'
import type { ApiClient } from '../kubernetes/client.ts'
import { object } from '../rollouts/plan/plan.fixture.ts'
import { raw } from '../rollouts/workloads/contract.fixture.ts'
import { deployment } from '../rollouts/workloads/deployment.ts'
import { imageDigests } from './checks.ts'
import { openRegistries } from './registries.ts'

t.test(
  'B10 the image of a check is asked for at its own registry with its own credentials, not with the workload’s',
  async (t) => {
    const [moto, program, other] = await Promise.all([startMoto(), startRegistry({ auth: 'token' }), startRegistry()])
    Object.assign(process.env, motoEnvironment)
    const settings = loadSettings({
      flags: { registryEndpoints: [`ecr=${moto.endpoint}`], insecureRegistries: [program.host, other.host] },
    })
    const open = await openRegistries(settings)
    t.teardown(() => Promise.all([open.transport.close(), moto.stop(), program.stop(), other.stop()]))
    const path = 'qa/smoke'
    const [atEcr, atOwn, atOther] = await Promise.all([
      moto.push(path, ['v1']),
      program.push(path, ['v1'], { content: 'own' }),
      other.push(path, ['v1'], { content: 'other' }),
    ])

    const auth = Buffer.from(`${account.username}:${account.password}`).toString('base64')
    const dockerconfigjson = JSON.stringify({ auths: { [program.host]: { auth } } })
    const data = { '.dockerconfigjson': Buffer.from(dockerconfigjson).toString('base64') }
    const get = async (name: string) => {
      if (name.endsWith('/secrets/regcred')) return { data }
      throw new ApiError(404, 'NotFound', `${name}: not found`)
    }
    const digests = imageDigests({ get } as unknown as ApiClient, open)
    // The workload is at ECR, and its pods name a pull secret for the other registry.
    const template = {
      containers: [{ name: 'web', image: `${moto.host}/shop/web:v1` }],
      imagePullSecrets: [{ name: 'regcred' }],
    }
    const workloads = [deployment.strip(raw({ template }))]
    const owner = object({}, { imageRepo: `${moto.host}/shop/web` })
    const digestAt = (host: string) => digests.digestOf(owner, workloads, { host, path }, 'v1')

    t.equal(await digestAt(program.host), atOwn.digest)
    t.ok(program.count({ kind: 'token', status: 200 }) > 0, 'with the pull secret')
    t.equal(moto.calls.filter(({ body }) => body.includes('shop/web')).length, 0, 'and nobody asks for the workload')
    t.equal(await digestAt(moto.host), atEcr)
    t.same([...new Set(moto.calls.map(({ accessKey }) => accessKey))], [motoEnvironment.AWS_ACCESS_KEY_ID])
    t.equal(await digestAt(other.host), atOther.digest)
    t.notOk(
      other.requests.some(({ authorization }) => authorization !== 'none'),
      'no credentials of others',
    )
    await t.rejects(digests.digestOf(owner, workloads, { host: program.host, path }, 'v9'), { message: /v9/ })
  },
)
