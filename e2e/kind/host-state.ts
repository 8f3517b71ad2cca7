import { existsSync, globSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
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

/**
 * Remembers what an engine changes of the machine outside of its own namespaces. The function that it returns puts that back,
 * once the engine has ended.
 */
export async function rememberHost(bridge: string, cgroup: string): Promise<() => Promise<void>> {
  const known = settings.map((name) => `/proc/sys/${name}`).filter((path) => existsSync(path))
  const values = known.map((path) => ({ path, value: readFileSync(path, 'utf8') }))
  const before = await rules()
  // Another engine may have rules, which are not ours.
  const ours = /DOCKER/.test(before) ? new RegExp(bridge) : new RegExp(`DOCKER|${bridge}`)
  const forward = /^:FORWARD (\w+)/m.exec(before)?.[1] ?? 'ACCEPT'
  return async () => {
    await attempt('ip', ['link', 'delete', bridge])
    const kept = (await rules()).split('\n').filter((line) => !ours.test(line))
    const text = kept.map((line) => line.replace(/^:FORWARD \w+/, `:FORWARD ${forward}`)).join('\n')
    await run('iptables-restore', [], { input: text })
    for (const { path, value } of values) {
      if (readFileSync(path, 'utf8') !== value) writeFileSync(path, value)
    }
    removeGroups(cgroup)
  }
}

/** The tables that an engine writes to. */
const rules = async (): Promise<string> => {
  const tables = await Promise.all(['filter', 'nat'].map((table) => run('iptables-save', ['--table', table])))
  return tables.join('\n')
}

/** Removes the empty control groups, in every hierarchy of version 1 or in the one of version 2, the innermost first. */
function removeGroups(name: string): void {
  const found = globSync([`/sys/fs/cgroup/${name}`, `/sys/fs/cgroup/*/${name}`]).flatMap((top) => [
    top,
    ...globSync('**/', { cwd: top }).map((below) => `${top}/${below}`),
  ])
  for (const path of found.sort((one, other) => other.length - one.length)) {
    if (existsSync(path)) rmdirSync(path)
  }
}
