/** For tests: over what the contract runs, by the kinds of `registryKinds`; none of them may be missing here. */
import type { Test } from 'tap'
import { motoEnvironment } from '../../../e2e/harness/moto.ts'
import { type RegistryOptions, startRegistry } from '../../../e2e/harness/registry.ts'
import { systemClock } from '../../time/clock.ts'
import { azureRuns } from '../azure/azure-runs.fixture.ts'
import { googleRuns } from '../google/google-runs.fixture.ts'
import { login } from '../oci/auth/token-services.fixture.ts'
import { Registries } from '../registries.ts'
import { anonymous, type Credentials } from '../registry.ts'
import { type ContractRun, fast, made, stranger } from './contract-bench.fixture.ts'
import { withMoto } from './ecr-bench.ts'
import { anonymously, withPullSecret } from './named-runs.fixture.ts'
import { transportTo } from './peer.ts'

const everybody = { credentials: anonymous } as const
const account = { credentials: login, strangers: [anonymous, stranger] } as const
const onlyReaders = { credentials: login, reader: anonymous, strangers: [stranger] } as const

/** The real registry under its own address. */
function plain(as: string, options: RegistryOptions, who: Who): ContractRun {
  const start: ContractRun['start'] = async (t) => {
    const program = await startRegistry(options)
    t.teardown(() => program.stop())
    const { host } = program
    return { registry: registryAt(t, host, [host]), host, ...made(program), ...who }
  }
  return { as, start }
}

function registryAt(
  t: Test,
  host: string,
  insecure: readonly string[],
  endpoints: Readonly<Record<string, string>> = {},
) {
  const transport = transportTo(t, insecure, { limits: fast })
  const registries = new Registries({ transport, clock: systemClock, endpoints, env: {} })
  return registries.for({ host, path: 'contract/web' })
}

interface Who {
  readonly credentials: Credentials
  readonly reader?: Credentials
  readonly strangers?: readonly Credentials[]
}

/** moto asks nobody who they are: as whom AWS is asked, identity.test.ts and service-account.test.ts tell. */
const moto: ContractRun = {
  as: 'as moto plays it, with the identity of the process',
  start: async (t) => {
    const program = await withMoto(t)
    await program.createRepository('contract/fixed', { immutable: true })
    Object.assign(process.env, motoEnvironment)
    const { host } = program
    return {
      registry: registryAt(t, host, [], { ecr: program.endpoint }),
      host,
      credentials: anonymous,
      push: (path, tags, content) => program.push(path, tags, content),
      moveTag: (path, tag, to) => program.tag(path, to, tag),
      immutable: 'contract/fixed',
      tellsPushTimes: true,
    }
  },
}

export const contractRuns: Readonly<Record<string, readonly ContractRun[]>> = {
  dockerhub: [anonymously('dockerhub'), withPullSecret('dockerhub')],
  ghcr: [anonymously('ghcr'), withPullSecret('ghcr')],
  quay: [anonymously('quay'), withPullSecret('privateQuay')],
  gar: googleRuns,
  acr: azureRuns,
  ecr: [moto],
  harbor: [withPullSecret('harbor')],
  oci: [
    plain('without any guard', { auth: 'none' }, everybody),
    plain('with Basic authorization', { auth: 'basic' }, account),
    plain('with tokens', { auth: 'token' }, account),
    plain('with tokens for everybody', { auth: 'token', token: { anonymousPull: true } }, onlyReaders),
    withPullSecret('gitlab'),
    withPullSecret('unnamedHarbor'),
  ],
}
