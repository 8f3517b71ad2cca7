import { existsSync, globSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, run } from './command.ts'

/** Kernel settings that an engine and a kubelet change. */
const settings = [
  'net/ipv4/ip_forward',
  'vm/overcommit_memory',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
]

/** What the machine was like before the engine. */
interface HostState {
  readonly settings: Readonly<Record<string, string>>
  readonly forwardPolicy: string
  /** Another engine has rules, which are not ours. */
  readonly otherEngine: boolean
}

/**
 * Remembers what an engine changes of the machine outside of its own namespaces. The function that it returns puts that back,
 * once the engine has ended.
 *
 * @param file where it is remembered, so that the run after a killed one puts back what that one has left
 */
export async function rememberHost(bridge: string, cgroup: string, file: string): Promise<() => Promise<void>> {
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(await present()))
  const before = JSON.parse(readFileSync(file, 'utf8')) as HostState
  return async () => {
    await attempt('ip', ['link', 'delete', bridge])
    const ours = before.otherEngine ? new RegExp(bridge) : new RegExp(`DOCKER|${bridge}`)
    const kept = (await rules()).split('\n').filter((line) => !ours.test(line))
    const text = kept.map((line) => line.replace(/^:FORWARD \w+/, `:FORWARD ${before.forwardPolicy}`)).join('\n')
    await run('iptables-restore', [], { input: text })
    for (const [path, value] of Object.entries(before.settings)) {
      if (readFileSync(path, 'utf8') !== value) writeFileSync(path, value)
    }
    removeGroups(cgroup)
    rmSync(file)
  }
}

async function present(): Promise<HostState> {
  const known = settings.map((name) => `/proc/sys/${name}`).filter((path) => existsSync(path))
  const now = await rules()
  return {
    settings: Object.fromEntries(known.map((path) => [path, readFileSync(path, 'utf8')])),
    forwardPolicy: /^:FORWARD (\w+)/m.exec(now)?.[1] ?? 'ACCEPT',
    otherEngine: now.includes('DOCKER'),
  }
}

/** The tables that an engine writes to, as iptables-restore reads them. */
async function rules(): Promise<string> {
  const tables = await Promise.all(['filter', 'nat'].map((table) => run('iptables-save', ['--table', table])))
  return tables.join('\n')
}

/** Removes the empty control groups, in every hierarchy of version 1 or in the one of version 2, the innermost first. */
function removeGroups(name: string): void {
  const tops = globSync([`/sys/fs/cgroup/${name}`, `/sys/fs/cgroup/*/${name}`])
  const below = tops.flatMap((top) =>
    readdirSync(top, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  const found = [...tops, ...below]
  for (const path of found.sort((one, other) => other.length - one.length)) {
    if (existsSync(path)) rmdirSync(path)
  }
}
