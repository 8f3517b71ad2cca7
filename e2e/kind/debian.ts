import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { makeWorkDirectory } from '../harness/work-directory.ts'
import { attempt, run } from './command.ts'
import type { Engine } from './engine.ts'

/** What a node of kind and a build with npm need. */
const packages =
  'systemd,conntrack,iptables,iproute2,ethtool,mount,kmod,libseccomp2,e2fsprogs,ca-certificates,jq,procps,runc,containernetworking-plugins'

const release = 'bookworm'
/** A minute on an idle machine. */
const maxDebootstrapMs = 1_800_000
const name = `cvmanager-e2e/debian:${release}`

/** Debian as an image, made by debootstrap from Debian's packages. */
export async function debianImage({ env }: Engine, say: (line: string) => void): Promise<string> {
  if ((await attempt('docker', ['image', 'inspect', name], { env })).status === 0) return name
  say('Making a Debian image by debootstrap …')
  const directory = await makeWorkDirectory('debian')
  try {
    const tree = join(directory, 'tree')
    await run('debootstrap', ['--variant=minbase', `--include=${packages}`, release, tree], {
      timeoutMs: maxDebootstrapMs,
    })
    for (const folder of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/locale', 'usr/share/man']) {
      await rm(join(tree, folder), { recursive: true, force: true })
    }
    await importTree(tree, name, env)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return name
}

async function importTree(tree: string, image: string, env: Engine['env']): Promise<void> {
  const tar = spawn('tar', ['--directory', tree, '--numeric-owner', '--create', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const docker = spawn('docker', ['import', '-', image], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve, reject) => docker.once('error', reject).once('close', resolve))
  await pipeline(tar.stdout, docker.stdin)
  if ((await ended) !== 0) throw new Error(`docker import of ${image} has failed`)
}
