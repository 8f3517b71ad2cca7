/** Describes credentials, without the secret. */
import type { Credentials } from '../../registries/registry.ts'

export function userOf(credentials: Credentials): string | undefined {
  switch (credentials.kind) {
    case 'anonymous':
      return undefined
    case 'basic':
      return credentials.username
    case 'identity-token':
      return '(identity token)'
    case 'service-account':
      return `service account ${credentials.namespace}/${credentials.name}`
    default:
      return credentials satisfies never
  }
}

/** The source of the credentials, if no flag gives them. */
export function sourceOf(
  credentials: Credentials,
  provider: string,
  { dockerConfig, cloudIdentity }: { readonly dockerConfig: string; readonly cloudIdentity: boolean },
): string {
  if (provider === 'ecr') return 'the AWS identity of this process'
  if (credentials.kind !== 'anonymous') return `the Docker config file ${dockerConfig}`
  const cloud = cloudIdentity && (provider === 'gar' || provider === 'acr')
  return cloud ? 'the identity that the cloud gives to this process, if it has one' : 'anonymous: none are given'
}
