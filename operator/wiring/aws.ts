import type { Settings } from '../config/settings.ts'
import type { AwsIdentity } from '../registries/ecr/identity.ts'

/** As whom the settings say that AWS is asked. */
export function awsIdentityOf(settings: Settings): AwsIdentity {
  return {
    profile: settings.awsProfile || undefined,
    roleArn: settings.awsRoleArn || undefined,
    externalId: settings.awsExternalId || undefined,
    webIdentityTokenFile: settings.awsWebIdentityTokenFile || undefined,
  }
}

/** Addresses instead of the public ones, by name. */
export const endpointsOf = ({ registryEndpoints }: Settings): Readonly<Record<string, string>> =>
  Object.fromEntries(
    registryEndpoints.map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
