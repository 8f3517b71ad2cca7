/** Parses Docker config files, and the pull secrets that contain them. */
import { NeedsChangeError } from '../../errors.ts'
import { isRecord } from '../oci/manifest.ts'
import type { Credentials } from '../registry.ts'
import type { HelperNames } from './credential-helpers.ts'

/** Credentials for the repositories that a pattern matches, `registry.example.com/team` or `*.example.com`. */
export interface Login {
  readonly pattern: string
  /** Or why there are none, naming the secret or file and nothing of its content: that concerns this registry only. */
  readonly credentials: Credentials | NeedsChangeError
}

export type DockerConfig = readonly Login[]

export interface PullSecret {
  readonly namespace: string
  readonly name: string
  /** Values are in base64, as the API server sends them. */
  readonly data?: Readonly<Record<string, string>> | undefined
}

/**
 * `kubernetes.io/dockerconfigjson` and the older `kubernetes.io/dockercfg`.
 * @throws NeedsChangeError `PullSecretInvalid`, naming the secret and nothing of its content
 */
export function parsePullSecret({ namespace, name, data = {} }: PullSecret): DockerConfig {
  const subject = `pull secret ${namespace}/${name}`
  // An empty value is skipped, as the kubelet does.
  const whole = data['.dockerconfigjson'] || undefined
  const legacy = data['.dockercfg'] || undefined
  const text = whole ?? legacy
  if (text === undefined) {
    throw invalid(subject, 'has neither the key .dockerconfigjson nor .dockercfg, or nothing in it')
  }
  const decoded = Buffer.from(text, 'base64').toString('utf8')
  return whole === undefined ? logins(parse(decoded, subject), subject) : parseDockerConfig(decoded, subject)
}

/**
 * A Docker `config.json` without its credential helpers: those of a pull secret are programs of another machine.
 * @param subject for messages: `pull secret shop/regcred`, `the file /root/.docker/config.json`
 */
export function parseDockerConfig(text: string, subject: string): DockerConfig {
  const auths = parse(text, subject).auths
  if (auths === undefined || auths === null) return []
  if (!isRecord(auths)) throw invalid(subject, 'has an "auths" that is not an object')
  return logins(auths, subject)
}

/** The rest of a program's name, after `docker-credential-`; `desktop.exe` in a file that was written on Windows. */
const helperName = /^[a-z0-9-][a-z0-9._-]{0,63}$/

/**
 * `credHelpers` and `credsStore` of the Docker config file of whoever started cvmanager.
 * @throws NeedsChangeError `PullSecretInvalid` for a name that no program can have
 */
export function parseHelperNames(text: string, subject: string): HelperNames {
  const { credHelpers, credsStore } = parse(text, subject)
  if (credHelpers !== undefined && credHelpers !== null && !isRecord(credHelpers)) {
    throw invalid(subject, 'has a "credHelpers" that is not an object')
  }
  const named = (helper: unknown, key: string): string => {
    if (typeof helper === 'string' && helperName.test(helper)) return helper
    throw invalid(
      subject,
      `has a helper in ${key} whose name has other characters than lower-case letters, digits, -, _ and .`,
    )
  }
  const isNone = credsStore === undefined || credsStore === null || credsStore === ''
  const byHost = Object.entries(credHelpers ?? {}).flatMap(([host, helper]) =>
    helper === null ? [] : [[host, named(helper, 'credHelpers')]],
  )
  return { byHost: Object.fromEntries(byHost), store: isNone ? undefined : named(credsStore, 'credsStore') }
}

function logins(auths: Readonly<Record<string, unknown>>, subject: string): DockerConfig {
  return Object.entries(auths).flatMap(([server, entry]) => {
    const credentials = isRecord(entry) ? credentialsOf(entry, server, subject) : notAnObject(entry, server, subject)
    return credentials === undefined ? [] : [{ pattern: patternOf(server), credentials }]
  })
}

const notAnObject = (entry: unknown, server: string, subject: string): Login['credentials'] | undefined =>
  entry === null ? undefined : invalid(subject, `has an entry for "${server}" that is not an object`)

/** As the kubelet reads an entry, whose `auth` counts before its `username`; and `identitytoken` as Docker does. */
function credentialsOf(
  entry: Readonly<Record<string, unknown>>,
  server: string,
  subject: string,
): Login['credentials'] | undefined {
  const { auth, username, password, identitytoken } = entry
  if (typeof identitytoken === 'string' && identitytoken !== '') return { kind: 'identity-token', token: identitytoken }
  if (auth !== undefined && auth !== null && auth !== '') {
    const pair = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString('utf8') : ''
    const colon = pair.indexOf(':')
    if (colon < 1) return invalid(subject, `has an "auth" for "${server}" that is not USER:PASSWORD in base64`)
    // Some tools pad the password with NULs.
    return { kind: 'basic', username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, '') }
  }
  if (typeof username !== 'string' || username === '' || typeof password !== 'string') return undefined
  return { kind: 'basic', username, password }
}

/** As the kubelet reads a server's name: with or without a scheme, and with `/v1/` or `/v2/` for the whole host. */
function patternOf(server: string): string {
  return server
    .replace(/^https?:\/\//, '')
    .replace(/^([^/]*)\/v[12](?=\/|$)/, '$1')
    .replace(/^([^/]*)\/+$/, '$1')
}

function parse(text: string, subject: string): Readonly<Record<string, unknown>> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // The parser's message quotes the text.
    throw invalid(subject, 'is not valid JSON')
  }
  if (!isRecord(parsed)) throw invalid(subject, 'is not a JSON object')
  return parsed
}

const invalid = (subject: string, fault: string): NeedsChangeError =>
  new NeedsChangeError(
    'PullSecretInvalid',
    `the ${subject.replace(/^the /, '')} ${fault}. Create it again with: ${subject.startsWith('pull secret') ? 'kubectl create secret docker-registry' : 'docker login'}.`,
  )
