/** Credentials for AWS's own APIs: those of this process, or of the IAM role of a tenant's service account. */
import { messageOf, NeedsChangeError, TransientError } from '../../errors.ts'
import type { Cloud, Issued } from '../credentials/cloud.ts'
import { annotated, askedAs, type ServiceAccount } from '../credentials/service-account.ts'
import { RegistryRefusal } from '../failures.ts'
import type { RegistryDeps } from '../registry-kind.ts'
import { Paused } from '../transport/transport.ts'
import { isDenied, nameOf, printable } from './failures.ts'
import { handlerFor } from './handler.ts'
import { parseEcrHost } from './host.ts'
import { awsCredentials, type StsConfig, sessionName } from './identity.ts'

/** As on EKS (IAM roles for service accounts). */
export const roleAnnotation = 'eks.amazonaws.com/role-arn'
const audience = 'sts.amazonaws.com'
const maxSessionName = 64
const role = {
  annotation: roleAnnotation,
  shape: /^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]{1,512}$/,
  example: 'arn:aws:iam::123456789012:role/shop-registry-reader',
}
/** For credentials without an end, such as a key in a shared file: the file may change. */
const unknownLifetimeMs = 300_000

type Sdk = typeof import('./sdk.ts')
type Provider = ReturnType<typeof awsCredentials>

export class AwsCloud implements Cloud {
  readonly ignoresPullSecrets = true
  readonly #deps: RegistryDeps

  constructor(deps: RegistryDeps) {
    this.#deps = deps
  }

  readonly issueOwn = async (host: string): Promise<Issued> => {
    const { sdk, sts } = await this.#sts(host, 'own identity')
    return await issued(awsCredentials(sdk, this.#deps.identity ?? {}, sts), host)
  }

  /** Reads the annotation and requests a token each time. */
  async issueFor(account: ServiceAccount, host: string): Promise<Issued> {
    const annotations = await account.annotations()
    const roleArn = annotated(account, annotations[roleAnnotation], role)
    const { namespace, name } = account
    const identity = {
      name: `service account ${namespace}/${name} as ${roleArn}`,
      remedy: `${askedAs(account)} Allow it for the role that its annotation ${roleAnnotation} names, in the role's policy or, for another account, in the repository's. The role's trust policy must name system:serviceaccount:${namespace}:${name} and the audience ${audience}.`,
    }
    const { sdk, sts } = await this.#sts(host, identity.name)
    const webIdentityToken = await account.token(audience)
    const roleSessionName = `${sessionName}@${namespace}.${name}`.slice(0, maxSessionName)
    return await issued(
      sdk.fromWebToken({ webIdentityToken, roleArn, roleSessionName, clientConfig: sts }),
      host,
      identity,
    )
  }

  /** The token service of the registry's region. */
  async #sts(host: string, identity: string): Promise<{ readonly sdk: Sdk; readonly sts: StsConfig }> {
    const { transport, endpoints } = this.#deps
    const region = parseEcrHost(host)?.region ?? ''
    const requestHandler = handlerFor(transport, `sts.${region}`, identity)
    const endpoint = endpoints.sts === undefined ? {} : { endpoint: endpoints.sts }
    return { sdk: await import('./sdk.ts'), sts: { region, requestHandler, ...endpoint } }
  }
}

type Identity = Issued['credentials']['identity']

async function issued(provider: Provider, host: string, identity?: Identity): Promise<Issued> {
  const found = await provider().catch((error: unknown) => {
    throw failure(host, error, identity)
  })
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = found
  const lifetimeMs = expiration === undefined ? unknownLifetimeMs : expiration.getTime() - Date.now()
  return { credentials: { kind: 'aws', accessKeyId, secretAccessKey, sessionToken, identity }, lifetimeMs }
}

function failure(host: string, error: unknown, identity: Identity): Error {
  if (error instanceof NeedsChangeError || error instanceof TransientError) return error
  const name = nameOf(error)
  if (name.startsWith('CredentialsProvider') || name.startsWith('TokenProvider')) return noCredentials(host)
  if (isDenied(error)) {
    const fault = `AWS refused credentials for the registry ${host} (${name}): ${printable(messageOf(error))}`
    const remedy = "Check the trust policy of the role that cvmanager's settings or its service account name."
    return new RegistryRefusal('RegistryAccessDenied', fault, identity?.remedy ?? remedy)
  }
  const isPaused = error instanceof Paused
  const reason = isPaused ? 'RegistryThrottled' : 'RegistryUnavailable'
  const retryAfterMs = isPaused ? error.retryAfterMs : undefined
  const fault = `AWS gave no credentials for the registry ${host} (${name}: ${printable(messageOf(error))})`
  return new TransientError(reason, `${fault}. cvmanager tries again.`, { cause: error, retryAfterMs })
}

export const noCredentials = (host: string): RegistryRefusal =>
  new RegistryRefusal(
    'RegistryAccessDenied',
    `cvmanager has no AWS credentials to ask the registry ${host} with`,
    'Give it an AWS identity: a role for its service account (EKS Pod Identity or IRSA), or the settings awsProfile or awsRoleArn. Pull secrets for ECR open no AWS API; --provider oci asks with them, without it.',
  )
