import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RunningProgram } from '../harness/processes.ts'
import { until } from '../harness/until.ts'
import { makeWorkDirectory, removeWorkDirectory } from '../harness/work-directory.ts'
import { attempt, run } from './command.ts'
import { rememberHost } from './host-state.ts'
import { cacheDirectory } from './programs.ts'

/** The name of the bridge of kind's network, by which its link and its rules are known as ours. */
export const bridge = 'cvm-kind0'

export interface Engine {
  /** What `docker` and `kind` need to reach it. */
  readonly env: Readonly<Record<string, string>>
  /** Ends it with its containers. Its images stay for the next time. */
  stop(): Promise<void>
}

/** The engine that answers on this machine, which is left as it is; otherwise one of our own. */
export async function startEngine(): Promise<Engine> {
  const { status } = await attempt('docker', ['version'])
  return status === 0 ? { env: {}, stop: async () => undefined } : startOwn()
}

/**
 * A dockerd in process and mount namespaces of its own: whatever ends it, the kernel ends its containers with it, and takes its
 * mounts away. What it changes of the machine itself is put back: links, rules, kernel settings, control groups.
 */
async function startOwn(): Promise<Engine> {
  const directory = await makeWorkDirectory('engine')
  const data = join(cacheDirectory(), 'docker')
  mkdirSync(data, { recursive: true })
  const restoreHost = await rememberHost(bridge, cgroup, join(cacheDirectory(), 'host.json'))
  const socket = `unix://${join(directory, 'docker.sock')}`
  const dockerd = new RunningProgram({
    name: 'dockerd',
    path: 'unshare',
    args: [
      ...['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'dockerd', '--host', socket],
      ...['--data-root', data, '--exec-root', join(directory, 'exec'), '--pidfile', join(directory, 'pid')],
      ...['--bridge', 'none', '--cgroup-parent', `/${cgroup}`, ...runtimeFlags(directory)],
    ],
    directory,
    logFile: join(directory, 'dockerd.log'),
  })
  const env = { DOCKER_HOST: socket }
  const stop = async () => {
    await removeContainers(env)
    await dockerd.stop('SIGKILL')
    await restoreHost()
    await removeWorkDirectory(directory)
  }
  try {
    const answers = async () => {
      await dockerd.assertRunning()
      return (await attempt('docker', ['version'], { env })).status === 0
    }
    await until('dockerd to answer', answers, 60_000)
    // Those of a run that was killed.
    await removeContainers(env)
    const masquerade = 'com.docker.network.bridge.enable_ip_masquerade=true'
    const name = `com.docker.network.bridge.name=${bridge}`
    await run('docker', ['network', 'create', '--opt', masquerade, '--opt', name, 'kind'], { env })
    return { env, stop }
  } catch (error) {
    const log = await dockerd.lastLines()
    await stop()
    throw new Error(`the container engine does not start. The end of its log:\n${log}`, { cause: error })
  }
}

const cgroup = 'cvmanager-kind'

async function removeContainers(env: Engine['env']): Promise<void> {
  const { output } = await attempt('docker', ['ps', '--all', '--quiet'], { env })
  const ids = output.split('\n').filter((id) => id !== '')
  if (ids.length > 0) await attempt('docker', ['rm', '--force', '--volumes', ...ids], { env })
  await attempt('docker', ['network', 'rm', 'kind'], { env })
}

const capSysResource = 1n << 24n

/** Root of some virtual machines lacks a capability, without which runc starts no privileged container such as kind's. */
function runtimeFlags(directory: string): readonly string[] {
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  if ((BigInt(`0x${effective}`) & capSysResource) !== 0n) return []
  const runtime = join(directory, 'runc')
  writeFileSync(runtime, runcWithoutSysResource)
  chmodSync(runtime, 0o755)
  return ['--add-runtime', `narrow=${runtime}`, '--default-runtime', 'narrow']
}

/** Takes the capability out of what a container (--bundle) or a command in it (--process) asks for. */
const runcWithoutSysResource = `#!/bin/sh
previous=
for argument in "$@"; do
  case $previous in
    --bundle) file=$argument/config.json ;;
    --process) file=$argument ;;
  esac
  previous=$argument
done
[ -n "\${file-}" ] && sed -i 's/"CAP_SYS_RESOURCE",//g; s/,"CAP_SYS_RESOURCE"//g' "$file"
exec runc "$@"
`
