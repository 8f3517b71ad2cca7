import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { attempt } from './command.ts'

/** The programs that are needed, with the Debian package that has each. */
const forEveryRun = { docker: 'docker.io', go: 'golang' }
const forOwnEngine = {
  dockerd: 'docker.io',
  containerd: 'containerd',
  runc: 'runc',
  iptables: 'iptables',
  ip: 'iproute2',
  unshare: 'util-linux',
}
const forOwnImages = { debootstrap: 'debootstrap', tar: 'tar' }

/** What this machine lacks for `make e2e-kind`, each with what to do; empty if it can. */
export async function missingOnMachine(env: NodeJS.ProcessEnv = process.env): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [`it runs on Linux only, and this is ${process.platform}`]
  const lines = missing(forEveryRun, env)
  const answers = lines.length === 0 && (await attempt('docker', ['version'])).status === 0
  const ownImages = !(env.KIND_IMAGE && env.BUILD_IMAGE && env.RUNTIME_IMAGE)
  if (!answers) lines.push(...missing(forOwnEngine, env))
  if (ownImages) lines.push(...missing(forOwnImages, env))
  if (process.getuid?.() !== 0 && (!answers || ownImages)) {
    const engine = answers ? '' : 'no container engine answers, and only root can start one'
    const images = ownImages
      ? 'only root can make the base images; or name KIND_IMAGE, BUILD_IMAGE and RUNTIME_IMAGE'
      : ''
    lines.push([engine, images].filter((line) => line !== '').join('; '))
  }
  return lines
}

function missing(programs: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv): string[] {
  const folders = (env.PATH ?? '').split(':')
  return Object.entries(programs)
    .filter(([name]) => !folders.some((folder) => existsSync(join(folder, name))))
    .map(([name, debian]) => `${name} is not on PATH (on Debian: apt-get install ${debian})`)
}
