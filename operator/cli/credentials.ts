/** Credentials for a registry, from standard input or the environment. `ps` shows an argument: only an old one is taken, with a warning. */
import { text } from 'node:stream/consumers'
import { type Command, Option } from 'commander'
import { UsageError } from '../errors.ts'
import type { Credentials } from '../registries/registry.ts'
import { warningLine } from './error-line.ts'
import type { Invocation, Io } from './io.ts'

export const usernameVariable = 'CVMANAGER_REGISTRY_USERNAME'
const passwordVariable = 'CVMANAGER_REGISTRY_PASSWORD'

export function addCredentialFlags(command: Command): Command {
  return (
    command
      .option('--username <NAME>', `The user at the registry (or ${usernameVariable}, with ${passwordVariable})`)
      .option('--password-stdin', 'Read the password of --username from standard input')
      // Spelt as in the first cvmanager. It is taken, but not shown.
      .addOption(new Option('--passsword <PASSWORD>').hideHelp().conflicts('passwordStdin'))
  )
}

/**
 * @returns undefined if none are given
 * @throws UsageError
 */
export async function credentialsOf({ options }: Invocation, io: Io): Promise<Credentials | undefined> {
  const { env, stdin } = io
  const { username, passwordStdin, passsword } = options
  if (passsword !== undefined) {
    const remedy = username === undefined ? 'has no effect without --username' : 'use --password-stdin'
    io.printError(warningLine(`--passsword: every process on this machine can read it; ${remedy}`))
  }
  if (username === undefined && passwordStdin === undefined) {
    return basic(env[usernameVariable], env[passwordVariable], [usernameVariable, passwordVariable])
  }
  if (username === undefined) throw new UsageError('--password-stdin: say whose password it is with --username')
  if (passsword !== undefined) return basic(String(username), String(passsword), ['--username', '--passsword'])
  if (passwordStdin === undefined) {
    throw new UsageError('--username: give its password on standard input, with --password-stdin')
  }
  // `echo` adds a newline that is not part of the password.
  const password = (await text(stdin)).replace(/\r?\n$/, '')
  return basic(String(username), password, ['--username', '--password-stdin'])
}

function basic(username = '', password = '', [first, second]: readonly [string, string]): Credentials | undefined {
  if (username === '' && password === '') return undefined
  if (username === '') throw new UsageError(`${first}: is empty, but there is a password in ${second}`)
  if (password === '') throw new UsageError(`${second}: the password is empty, but ${first} names a user`)
  return { kind: 'basic', username, password }
}
