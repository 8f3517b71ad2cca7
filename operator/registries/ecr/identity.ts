/** Which AWS identity cvmanager uses: what the settings say, or else what the SDK finds. */
import type { IdentitySettings } from '../registry-kind.ts'

type Sdk = typeof import('./sdk.ts')
export type StsConfig = NonNullable<NonNullable<Parameters<Sdk['fromTokenFile']>[0]>['clientConfig']>

/** CloudTrail shows it after the role's name. */
export const sessionName = 'cvmanager'

/**
 * Without any setting, the SDK looks in the environment, the shared files, SSO, a process, the web identity
 * (`AWS_WEB_IDENTITY_TOKEN_FILE`, as on EKS), and the role of the container or the machine.
 * @param clientConfig of the clients that the SDK asks for credentials, STS's first of all
 */
export function awsCredentials(sdk: Sdk, identity: IdentitySettings, clientConfig: StsConfig) {
  const profile = identity.awsProfile || undefined
  const roleArn = identity.awsRoleArn || undefined
  const webIdentityTokenFile = identity.awsWebIdentityTokenFile || undefined
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
    ...(identity.awsExternalId ? { ExternalId: identity.awsExternalId } : {}),
  }
  return sdk.fromTemporaryCredentials({ masterCredentials: found, params, clientConfig })
}
