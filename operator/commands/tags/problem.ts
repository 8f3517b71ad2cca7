/** Explains a failure to the person, or the CI job, at the command line. */
import { messageOf, NeedsChangeError, TransientError, UsageError } from '../../errors.ts'
import { RegistryRefusal } from '../../registries/failures.ts'
import type { Problem } from './commands.ts'
import { isNotFound } from './not-found.ts'
import type { RepositoryClient } from './repository.ts'

/**
 * @param client undefined if the repository could not be opened
 * @throws UsageError as it was thrown
 */
export function problemOf(
  thrown: unknown,
  client: RepositoryClient | undefined,
  where: { readonly repository: string; readonly tag?: string },
): Problem {
  if (thrown instanceof UsageError) throw thrown
  const signal = client?.access.signal
  if (signal?.aborted) return { ...where, reason: 'Stopped', message: `stopped by ${signal.reason}`, notFound: false }
  const known = thrown instanceof NeedsChangeError || thrown instanceof TransientError
  return {
    ...where,
    reason: known ? thrown.reason : 'InternalError',
    message: client === undefined ? messageOf(thrown) : messageFor(thrown, client),
    notFound: isNotFound(thrown),
  }
}

/** The registries suggest remedies to authors of ContainerVersions; at the command line other remedies apply. */
function messageFor(thrown: unknown, { access, repository }: RepositoryClient): string {
  if (!(thrown instanceof RegistryRefusal)) return messageOf(thrown)
  switch (thrown.reason) {
    case 'RegistryAccessDenied': {
      const { kind, identity } = access.credentials
      if (kind === 'aws') return thrown.message
      const others = `by --username and --password-stdin, or by docker login ${repository.host}.`
      if (identity !== undefined) return `${thrown.fault}. ${identity.remedy} Or give credentials ${others}`
      return kind === 'anonymous'
        ? `${thrown.fault}. Give credentials ${others}`
        : `${thrown.fault}. Check the user, the password and their rights in the repository.`
    }
    case 'TagNotFound':
      return `${thrown.fault}. Push it, or correct the name.`
    default:
      return thrown.message
  }
}
