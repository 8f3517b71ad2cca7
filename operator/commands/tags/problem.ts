/** A failure in words for the person, or the CI job, at the command line. */
import { messageOf, NeedsChangeError, TransientError, UsageError } from '../../errors.ts'
import { RegistryRefusal } from '../../registries/failures.ts'
import type { Shelf } from './image.ts'
import { isNotFound } from './not-found.ts'
import type { Problem } from './results.ts'

/** @throws what was thrown where it is not the registry's doing */
export function problemOf(
  thrown: unknown,
  shelf: Shelf | undefined,
  where: { readonly repository: string; readonly tag?: string },
): Problem {
  if (thrown instanceof UsageError) throw thrown
  const signal = shelf?.access.signal
  if (signal?.aborted) return { ...where, reason: 'Stopped', message: `stopped by ${signal.reason}`, notFound: false }
  const known = thrown instanceof NeedsChangeError || thrown instanceof TransientError
  return {
    ...where,
    reason: known ? thrown.reason : 'InternalError',
    message: shelf === undefined ? messageOf(thrown) : messageFor(thrown, shelf),
    notFound: isNotFound(thrown),
  }
}

/** The remedies of the registries are for those who write ContainerVersions. */
function messageFor(thrown: unknown, { access, repository }: Shelf): string {
  if (!(thrown instanceof RegistryRefusal)) return messageOf(thrown)
  switch (thrown.reason) {
    case 'RegistryAccessDenied':
      return access.credentials.kind === 'anonymous'
        ? `${thrown.fault}. Give credentials by --username and --password-stdin, or by docker login ${repository.host}.`
        : `${thrown.fault}. Check the user, the password and their rights in the repository.`
    case 'TagNotFound':
      return `${thrown.fault}. Push it, or correct the name.`
    default:
      return thrown.message
  }
}
