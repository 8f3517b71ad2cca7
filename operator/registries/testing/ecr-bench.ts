/** For tests: ECR as moto plays it, and this house's registry in front of it. */
import type { Test } from 'tap'
import { type Moto, motoEnvironment, startMoto } from '../../../e2e/harness/moto.ts'
import type { Repository } from '../../images/reference.ts'
import { systemClock } from '../../time/clock.ts'
import { EcrRegistry } from '../ecr/ecr.ts'
import { anonymous } from '../registry.ts'
import type { RegistryDeps } from '../registry-kind.ts'
import { transportTo } from './peer.ts'

export const access = { credentials: anonymous } as const

/** Like any that a test is given, it ends with the test. */
export async function withMoto(t: Test): Promise<Moto> {
  const moto = await startMoto()
  t.teardown(() => moto.stop())
  return moto
}

export function registryOn(t: Test, endpoint: string, more: Partial<RegistryDeps> = {}): EcrRegistry {
  Object.assign(process.env, motoEnvironment)
  const limits = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }
  const transport = transportTo(t, [], { limits })
  return new EcrRegistry({ transport, clock: systemClock, endpoints: { ecr: endpoint }, env: {}, ...more })
}

export const repositoryAt = (path: string, region = 'eu-west-1'): Repository => ({
  host: `123456789012.dkr.ecr.${region}.amazonaws.com`,
  path,
})
