/** As whom cvmanager asks AWS: what the settings say, else what the SDK finds by itself. */
import { annotated, type ServiceAccount } from '../credentials/service-account.ts'
import type { Sdk } from './api.ts'

export interface AwsIdentity {
  /** Of the shared configuration files. */
  readonly profile?: string | undefined
  /** Assumed with the credentials that are found otherwise, or with the web identity token where there is one. */
  readonly roleArn?: string | undefined
  /** What the role's trust policy asks for. */
  readonly externalId?: string | undefined
  /** A file with an OIDC token, which Kubernetes writes and renews. */
  readonly webIdentityTokenFile?: string | undefined
  /** A tenant's: its own role, and nothing else of the above. */
  readonly serviceAccount?: ServiceAccount | undefined
}

type StsConfig = NonNullable<NonNullable<Parameters<Sdk['fromTokenFile']>[0]>['clientConfig']>

/** In CloudTrail, behind the role's name. */
const sessionName = 'cvmanager'

/**
 * Credentials that renew themselves. Without any setting: environment, shared files, SSO, a process, web identity
 * (`AWS_WEB_IDENTITY_TOKEN_FILE`, as on EKS), then the container's or the machine's role.
 * @param clientConfig of the clients that ask for them, STS's first of all
 */
export function credentialsOf(sdk: Sdk, identity: AwsIdentity, clientConfig: StsConfig) {
  const { profile, roleArn, externalId, webIdentityTokenFile, serviceAccount } = identity
  if (serviceAccount !== undefined) return () => credentialsAs(serviceAccount, sdk, clientConfig)
  if (webIdentityTokenFile !== undefined) {
    return sdk.fromTokenFile({
      webIdentityTokenFile,
      roleSessionName: sessionName,
      clientConfig,
      ...(roleArn === undefined ? {} : { roleArn }),
    })
  }
  const found = sdk.fromNodeProviderChain({ clientConfig, ...(profile === undefined ? {} : { profile }) })
  if (roleArn === undefined) return found
  const params = {
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    ...(externalId === undefined ? {} : { ExternalId: externalId }),
  }
  return sdk.fromTemporaryCredentials({ masterCredentials: found, params, clientConfig })
}

/** As on EKS (IAM roles for service accounts). */
export const roleAnnotation = 'eks.amazonaws.com/role-arn'
const audience = 'sts.amazonaws.com'
const longestSessionName = 64
const role = {
  annotation: roleAnnotation,
  shape: /^arn:aws[a-z-]*:iam::[0-9]{12}:role\/[\w+=,.@/-]{1,512}$/,
  example: 'arn:aws:iam::123456789012:role/shop-registry-reader',
}

/** Asked again by the SDK before they run out, each time with a new token and the annotation as it is then. */
async function credentialsAs(account: ServiceAccount, sdk: Sdk, clientConfig: StsConfig) {
  const annotations = await account.annotations()
  const roleArn = annotated(account, annotations[roleAnnotation], role)
  const webIdentityToken = await account.token(audience)
  const roleSessionName = `${sessionName}@${account.namespace}.${account.name}`.slice(0, longestSessionName)
  return await sdk.fromWebToken({ webIdentityToken, roleArn, roleSessionName, clientConfig })()
}
