/** For tests: the contract's runs for registries that are known by name: OCI registries with something more. */

import { dockerHubApi } from '../docker-hub/hub.fixture.ts'
import { harborApi } from '../harbor/harbor-api.fixture.ts'
import {
  admitting,
  dockerHubTokens,
  gitHubTokens,
  gitLabTokens,
  harborTokens,
  login,
  quayTokens,
} from '../oci/auth/token-services.fixture.ts'
import { quayApi, quayApiOfPrivate } from '../quay/quay.fixture.ts'
import { anonymous } from '../registry.ts'
import { benchBehind, type ContractRun, type Named, stranger } from './contract-bench.fixture.ts'
import type { StandInAnswer, StandInRequest, TokenService } from './stand-in.fixture.ts'

type Entry = Omit<Named, 'special' | 'own'> & {
  /** Its name in the title of the test, if there are several of its kind. */
  readonly as?: string
  readonly tokens: Omit<TokenService, 'admits'>
  readonly answers?: NonNullable<Named['special']['answers']>
  readonly own?: Named['own']
  /** How its token service treats users of private repositories. Default: it requires a login. */
  readonly toStrangers?: TokenService['admits']
}

const noDeletion = ({ method }: StandInRequest): StandInAnswer | undefined =>
  method === 'DELETE'
    ? { status: 405, body: { errors: [{ code: 'UNSUPPORTED', message: 'The operation is unsupported.' }] } }
    : undefined

const entries = {
  dockerhub: {
    kind: 'dockerhub',
    host: 'docker.io',
    tokens: dockerHubTokens,
    toStrangers: admitting.tokensForAll,
    // Only the Hub's own API removes tags (docker/hub-feedback#2360).
    answers: noDeletion,
    own: async (t, program) => {
      const api = await dockerHubApi(t, program)
      return { credentials: login, tellsPushTimes: true, deps: { endpoints: { 'docker-hub': api.origin } } }
    },
  },
  ghcr: {
    kind: 'ghcr',
    host: 'ghcr.io',
    tokens: gitHubTokens,
    answers: noDeletion,
    own: () => Promise.resolve({ credentials: login, untags: false }),
  },
  quay: {
    kind: 'quay',
    host: 'quay.io',
    tokens: quayTokens,
    toStrangers: admitting.tokensForAll,
    answers: ({ url }, program) => quayApi(url, program),
    own: () => Promise.resolve({ credentials: login, tellsPushTimes: true }),
  },
  privateQuay: {
    kind: 'quay',
    host: 'quay.io',
    tokens: quayTokens,
    toStrangers: admitting.tokensForAll,
    answers: ({ url }) => quayApiOfPrivate(url),
    own: () => Promise.resolve({ credentials: login, tellsAliases: false }),
  },
  gitlab: { as: 'GitLab', kind: 'oci', host: 'registry.gitlab.com', tokens: gitLabTokens },
  harbor: {
    kind: 'harbor',
    host: 'harbor.example.com',
    tokens: harborTokens,
    toStrangers: admitting.tokensForAll,
    answers: harborApi,
    own: () =>
      Promise.resolve({
        credentials: login,
        tellsPushTimes: true,
        untags: false,
        deps: { providers: new Map([['harbor.example.com', 'harbor']]) },
      }),
  },
  unnamedHarbor: {
    as: 'a Harbor that is not configured as one',
    kind: 'oci',
    host: 'harbor.example.com',
    tokens: harborTokens,
    toStrangers: admitting.tokensForAll,
    answers: harborApi,
    own: () => Promise.resolve({ credentials: login, untags: false }),
  },
} satisfies Readonly<Record<string, Entry>>

/** Private repositories with a pull secret. */
export const withPullSecret = (name: keyof typeof entries): ContractRun => runOf(name, false)
/** Public repositories: everybody reads, and users with the right tag. */
export const anonymously = (name: keyof typeof entries): ContractRun => runOf(name, true)

function runOf(name: keyof typeof entries, isPublic: boolean): ContractRun {
  const { tokens, answers, own, as, toStrangers = admitting.closed, ...named }: Entry = entries[name]
  const admits = isPublic ? admitting.openToAll : toStrangers
  return {
    as: `${as === undefined ? '' : `${as}, `}${isPublic ? 'for everybody' : 'with a pull secret'}`,
    start: (t) =>
      benchBehind(t, {
        ...named,
        special: { tokens: { ...tokens, admits }, ...(answers ? { answers } : {}) },
        own: async (...given) => ({
          ...(isPublic ? { reader: anonymous, strangers: [stranger] } : { strangers: [anonymous, stranger] }),
          ...((await own?.(...given)) ?? { credentials: login }),
        }),
      }),
  }
}
