import { UsageError } from '../../operator/errors.ts'
import { movingTag, Publisher, repository, versionSyntax } from './publisher.ts'
import { realImage } from './real-image.ts'
import { runningDemo } from './running.ts'
import { simulatedImage } from './simulated-environment.ts'
import type { Terminal } from './terminal.ts'

const usage = 'write: node e2e/demo.ts push <version> [--broken], with a version such as v1.4.0'

/** `node e2e/demo.ts push v1.4.0 [--broken]`: acts as CI for the demo that runs in another terminal. */
export async function push(args: readonly string[], terminal: Terminal): Promise<void> {
  const [given, ...flags] = args
  if (given === undefined || flags.some((flag) => flag !== '--broken')) throw new UsageError(usage)
  const broken = flags.includes('--broken')
  // Simulated nodes recognize a broken image by its name.
  const version = broken && !given.includes('broken') ? `${given}-broken` : given
  if (!versionSyntax.test(version))
    throw new UsageError(`"${version}" does not match the example's versionSyntax; ${usage}`)

  const demo = runningDemo()
  if (!demo) throw new UsageError('no demo of this checkout is running; start it with: make demo')
  const make = demo.simulated ? simulatedImage : await realImage(demo.architectures)
  const publisher = new Publisher(demo.registryOrigin, make)
  try {
    const { digest, isNew } = await publisher.push(version, broken)
    await publisher.moveTag(digest)
    const what = isNew ? 'pushed' : 'found'
    terminal.done(`${what} ${repository}:${version} (${digest.slice(0, 19)}…), and moved ${movingTag} to it`)
  } finally {
    await publisher.close()
  }
}
