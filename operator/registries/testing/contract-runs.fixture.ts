/** For tests: the runs of the contract by the kinds of `registryKinds`. A test checks that none is missing. */
import type { Test } from 'tap'
import { motoEnvironment } from '../../../e2e/harness/moto.ts'
import { type RegistryOptions, startRegistry } from '../../../e2e/harness/registry.ts'
import { systemClock } from '../../time/clock.ts'
import { azureRuns } from '../azure/azure-runs.fixture.ts'
import { googleRuns } from '../google/google-runs.fixture.ts'
import { login } from '../oci/auth/token-services.fixture.ts'
import { anonymous } from '../registry.ts'
import { benchAt, type ContractRun, fast, made, stranger, type Users } from './contract-bench.fixture.ts'
import { withMoto } from './ecr-bench.ts'
import { anonymously, withPullSecret } from './named-runs.fixture.ts'
import { transportTo } from './peer.ts'

const everybody = { credentials: anonymous } as const
const account = { credentials: login, strangers: [anonymous, stranger] } as const
const onlyReaders = { credentials: login, reader: anonymous, strangers: [stranger] } as const

/** The real registry under its own address. */
function plain(as: string, options: RegistryOptions, users: Users): ContractRun {
  const start: ContractRun['start'] = async (t) => {
    const program = await startRegistry(options)
    t.teardown(() => program.stop())
    return { ...(await benchOf(t, program.host, users, [program.host])), ...made(program) }
  }
  return { as, start }
}

async function benchOf(t: Test, host: string, users: Users, insecure: readonly string[], endpoints: Endpoints = {}) {
  const transport = transportTo(t, insecure, { limits: fast })
  return await benchAt(host, { transport, clock: systemClock, endpoints, env: {} }, users)
}

type Endpoints = Readonly<Record<string, string>>

/** moto does not check credentials. identity.test.ts and service-account.test.ts check which ones AWS gets. */
const moto: ContractRun = {
  as: 'as moto plays it, with the identity of the process',
  start: async (t) => {
    const program = await withMoto(t)
    await program.createRepository('contract/fixed', { immutable: true })
    Object.assign(process.env, motoEnvironment)
    return {
      ...(await benchOf(t, program.host, everybody, [], { ecr: program.endpoint })),
      push: (path, tags, content) => program.push(path, tags, content),
      moveTag: (path, tag, to) => program.tag(path, to, tag),
      answerManifests: (answer) =>
        program.faults.inject(answer, { when: ({ path }) => /DescribeImages|BatchGetImage/.test(path) }),
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
    plain('without authorization', { auth: 'none' }, everybody),
    plain('with Basic authorization', { auth: 'basic' }, account),
    plain('with tokens', { auth: 'token' }, account),
    plain('with tokens for everybody', { auth: 'token', token: { anonymousPull: true } }, onlyReaders),
    withPullSecret('gitlab'),
    withPullSecret('unnamedHarbor'),
  ],
}
