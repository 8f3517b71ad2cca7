/** Describes credentials, without the secret. */
import type { Credentials } from '../../registries/registry.ts'

export function userOf({ identity, ...credentials }: Credentials): string | undefined {
  if (identity !== undefined) return undefined
  switch (credentials.kind) {
    case 'anonymous':
    case 'aws':
      return undefined
    case 'basic':
      return credentials.username
    case 'identity-token':
      return '(identity token)'
    default:
      return credentials satisfies never
  }
}

/** The source of the credentials, if no flag gives them. */
export function sourceOf(credentials: Credentials, { dockerConfig }: { readonly dockerConfig: string }): string {
  if (credentials.kind === 'aws') return 'the AWS identity of this process'
  if (credentials.kind === 'anonymous') return 'anonymous: none are given'
  return credentials.identity === undefined
    ? `the Docker config file ${dockerConfig}`
    : `the cloud identity of this process: ${credentials.identity.name}`
}
