/** For tests: moto in the place of ECR, and an `EcrRegistry` that asks it. */
import type { Test } from 'tap'
import { type Moto, motoEnvironment, startMoto } from '../../../e2e/harness/moto.ts'
import type { Repository } from '../../images/reference.ts'
import { systemClock } from '../../time/clock.ts'
import { EcrRegistry } from '../ecr/ecr.ts'
import type { Credentials } from '../registry.ts'
import type { RegistryDeps } from '../registry-kind.ts'
import { transportTo } from './peer.ts'

export const awsCredentials: Credentials = {
  kind: 'aws',
  accessKeyId: motoEnvironment.AWS_ACCESS_KEY_ID,
  secretAccessKey: motoEnvironment.AWS_SECRET_ACCESS_KEY,
}

export const access = { credentials: awsCredentials } as const

/** Ends with the test. */
export async function withMoto(t: Test): Promise<Moto> {
  const moto = await startMoto()
  t.teardown(() => moto.stop())
  return moto
}

export function depsFor(t: Test, endpoint: string): RegistryDeps {
  Object.assign(process.env, motoEnvironment)
  const limits = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }
  return {
    transport: transportTo(t, [], { limits }),
    clock: systemClock,
    endpoints: { ecr: endpoint, sts: endpoint },
    env: {},
  }
}

export const registryOn = (t: Test, endpoint: string): EcrRegistry => new EcrRegistry(depsFor(t, endpoint))

export const repositoryAt = (path: string, region = 'eu-west-1'): Repository => ({
  host: `123456789012.dkr.ecr.${region}.amazonaws.com`,
  path,
})
