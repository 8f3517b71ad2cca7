/** Where each program's project publishes it, with its checksum: built for Linux, in the version that go.mod pins. */
import { moduleVersion, type ProgramName, programs } from './programs.ts'

export interface Release {
  /** The program itself, or an archive that has it. */
  readonly url: string
  /** The path of the program in the archive. */
  readonly member?: string
  /** A file of checksums, or GitHub's description of the release, which has them. */
  readonly checksums: string
}

type Platform = 'linux-amd64' | 'linux-arm64'

/** Undefined where the projects do not publish all of them, as for macOS. */
export function platformOf(platform: string, arch: string): Platform | undefined {
  if (platform !== 'linux') return undefined
  return arch === 'x64' ? 'linux-amd64' : arch === 'arm64' ? 'linux-arm64' : undefined
}

export function releaseOf(name: ProgramName, platform: Platform): Release {
  const version = moduleVersion(programs[name])
  switch (name) {
    case 'etcd': {
      const folder = `etcd-${version}-${platform}`
      const release = `https://github.com/etcd-io/etcd/releases/download/${version}`
      return { url: `${release}/${folder}.tar.gz`, member: `${folder}/etcd`, checksums: `${release}/SHA256SUMS` }
    }
    case 'kwok':
      return {
        url: `https://github.com/kubernetes-sigs/kwok/releases/download/${version}/kwok-${platform}`,
        checksums: `https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags/${version}`,
      }
    case 'helm': {
      const url = `https://get.helm.sh/helm-${version}-${platform}.tar.gz`
      return { url, member: `${platform}/helm`, checksums: `${url}.sha256sum` }
    }
    case 'registry': {
      const file = `registry_${version.slice(1)}_${platform.replace('-', '_')}.tar.gz`
      const url = `https://github.com/distribution/distribution/releases/download/${version}/${file}`
      return { url, member: 'registry', checksums: `${url}.sha256` }
    }
    default: {
      const url = `https://dl.k8s.io/release/${version}/bin/${platform.replace('-', '/')}/${name}`
      return { url, checksums: `${url}.sha256` }
    }
  }
}

/**
 * Where to download from. CVMANAGER_TOOLS_RELEASES names a mirror, which has `dl.k8s.io/release/…` and so on below its own
 * address; `none` means nowhere.
 * @returns the address to ask for an address of a release page; undefined if nothing is to be downloaded
 */
export function mirrorOf(env: NodeJS.ProcessEnv): ((url: string) => string) | undefined {
  const mirror = env.CVMANAGER_TOOLS_RELEASES ?? ''
  if (mirror === 'none') return undefined
  if (mirror === '') return (url) => url
  return (url) => url.replace('https:/', mirror.replace(/\/+$/, ''))
}

/** The checksum of a file: in a list of several, as the only one of a text, or in GitHub's description of a release. */
export function checksumIn(text: string, file: string): string | undefined {
  const found = text.startsWith('{') ? digestOfAsset(JSON.parse(text), file) : inList(text, file)
  return /^[0-9a-f]{64}$/.exec(found ?? '')?.[0]
}

function digestOfAsset({ assets = [] }: { assets?: readonly Asset[] }, file: string): string | undefined {
  return assets.find(({ name }) => name === file)?.digest?.replace(/^sha256:/, '')
}

interface Asset {
  readonly name: string
  readonly digest?: string | null
}

function inList(text: string, file: string): string | undefined {
  // distribution ends its line with NUL.
  const lines = text
    .split(/[\n\0]/)
    .map((line) => line.trim().split(/\s+\*?/))
    .filter(([first]) => first !== '')
  const named = lines.find(([, name]) => name === file)
  return (named ?? lines.find((words) => words.length === 1))?.[0]
}
