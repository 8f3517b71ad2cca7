/** For tests: what the contract runs on, made as the program itself makes it: by the host's name, from the array of kinds. */
import type { Test } from 'tap'
import { type Registry as Program, startRegistry } from '../../../e2e/harness/registry.ts'
import { systemClock } from '../../time/clock.ts'
import { Registries } from '../registries.ts'
import type { Credentials } from '../registry.ts'
import type { RegistryDeps } from '../registry-kind.ts'
import type { RegistryBench } from './contract.ts'
import { front, type Special } from './front.fixture.ts'
import { type Peer, transportTo } from './peer.ts'

/** One access mode of one kind of registry. */
export interface ContractRun {
  readonly as: string
  start(t: Test): Promise<RegistryBench>
}

export const fast = { requestsPerSecond: 10_000, burst: 10_000, concurrency: 16 }

export const stranger: Credentials = { kind: 'basic', username: 'somebody', password: 'wrong-password' }

type Own = Pick<RegistryBench, 'credentials'> & Partial<RegistryBench>

export interface Named {
  readonly host: string
  readonly kind: string
  readonly special: Special
  /** Whose credentials, and what the registry does differently. */
  own(t: Test, program: Program, door: Peer): Promise<Own & { readonly deps?: Partial<RegistryDeps> }>
}

/** A registry that is known by its host, before the real one. */
export async function benchBehind(t: Test, { host, kind, special, own }: Named): Promise<RegistryBench> {
  const program = await startRegistry({ auth: 'token' })
  t.teardown(() => program.stop())
  const door = await front(t, program, special)
  const { deps, ...given } = await own(t, program, door)
  const transport = transportTo(t, [host], { origins: { [host]: `http://${door.host}` }, limits: fast })
  const registries = new Registries({ transport, clock: systemClock, endpoints: {}, env: {}, ...deps })
  const registry = registries.for({ host, path: 'contract/web' })
  t.equal(registry.kind, kind, `${host} is asked as ${kind}`)
  return { registry, host, ...made(program), ...given }
}

/** How images come into the real registry. */
export const made = (program: Program): Pick<RegistryBench, 'push' | 'moveTag'> => ({
  push: async (path, tags, content) => (await program.push(path, tags, content)).digest,
  moveTag: (path, tag, to) => program.tag(path, to as `sha256:${string}`, tag),
})
